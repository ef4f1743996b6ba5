/** What release 0.1.0 has written, a week ago: a log in a database, and outboxes on devices. `test/data/README.md` lists it. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import type { FieldClientOptions, SocketConstructor } from '../../client/options.ts';
import { localStorage } from '../../client/storage/local-storage.ts';
import { memoryStorage } from '../../client/storage/memory-storage.ts';
import type { PersistentStorage } from '../../client/storage/persistent-storage.ts';
import type { FieldClient } from '../../client/types.ts';
import { restoreBackup } from '../../db/backup/restore-backup.ts';
import { listFields, verifyField } from '../../db/read/verify-field.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import { type TestApi, withApi } from '../api/support/with-app.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { withPgClient } from '../support/servers/query-postgres.ts';
import { withDatabase } from '../support/servers/servers.ts';
import { asField } from '../support/updates.ts';
import { readWholeLog } from './read-log.ts';
import { makeClient, waitUntilSynced } from './with-client.ts';

const data = new URL('../data/0.1.0/', import.meta.url);
const url = 'https://field.example.org';
const field = 'garden';
const phoneDevice = 'fe565854a68a5b94f2ed1961dfa3dc0f';
const refusedCounter = 5;
/** Applied at versions 10 and 11, which the phone was not told. */
const unansweredCounters = [8, 9];

async function withRestoredBacking(t: Test): Promise<Backing> {
  const { url: DATABASE_URL, directUrl } = await withDatabase(t);
  await withPgClient(directUrl, (client) =>
    client.query('DROP SCHEMA public CASCADE; DROP SCHEMA bullmq CASCADE; CREATE SCHEMA public'),
  );
  await restoreBackup({ folder: fileURLToPath(new URL('backup/', data)), url: directUrl });
  return withBacking(t, { DATABASE_URL, DATABASE_DIRECT_URL: directUrl });
}

async function withRestoredApi(t: Test): Promise<TestApi> {
  const backing = await withRestoredBacking(t);
  await withWorker(t, backing);
  return withApi(t, backing);
}

async function readStored(name: string): Promise<Map<string, string>> {
  return new Map(Object.entries(JSON.parse(await readFile(new URL(name, data), 'utf8'))));
}

/** The updates of a stored outbox, in the order of their counters. */
function readOutbox(stored: ReadonlyMap<string, string>): SentUpdate[] {
  const entries = [...stored].filter(([key]) => /\/outbox\/\d+$/.test(key));
  return entries.map(([, text]) => JSON.parse(text).update).sort((a, b) => a.counter - b.counter);
}

async function withPhoneStorage(): Promise<{ storage: PersistentStorage; outbox: SentUpdate[] }> {
  const [stored, storage] = [await readStored('phone-storage.json'), memoryStorage()];
  for (const [key, value] of stored) await storage.set(key, value);
  return { storage, outbox: readOutbox(stored) };
}

/** Starts a client which reaches the API by the address that the devices knew. */
async function startClient(t: Test, api: TestApi, options: Partial<FieldClientOptions>): Promise<FieldClient> {
  class RoutedSocket extends WebSocket {
    constructor(to: string, protocols: string[]) {
      super(api.address.replace('http', 'ws') + to.slice(url.replace('http', 'ws').length), protocols);
    }
  }
  const client = makeClient(t, {
    url,
    field,
    fetch: (to, init) => fetch(api.address + String(to).slice(url.length), init),
    WebSocket: RoutedSocket as SocketConstructor,
    ...options,
  });
  await client.start();
  return client;
}

const describeContent = ({ counter, timestamp, seen, clock, ...content }: SentUpdate): string =>
  JSON.stringify(Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1)));

/** How often the log has what each update changes. */
async function countInLog(client: FieldClient, updates: readonly SentUpdate[]): Promise<number[]> {
  const logged = (await readWholeLog(client)).map(({ update }) => describeContent(update));
  return updates.map((update) => logged.filter((content) => content === describeContent(update)).length);
}

t.test('the log is migrated, and replays to the state that is stored', async (t) => {
  const { db, reader } = await withRestoredBacking(t);
  const fields = await listFields(db);
  t.same(fields, [field, 'smoke-test']);
  for (const name of fields) t.same((await verifyField(db, name)).differences, [], name);
  const state = await reader.loadState(asField(field));
  t.match(state, { version: 13 });
  t.same([...(state?.particles.keys() ?? [])], ['star', 'moon', 'from-browser', 'unanswered']);
  t.equal(state?.cells.get('1,2')?.value, 0.9);
});

/** Sends the phone's outbox, and checks the log and the state that results. */
async function sendPhoneOutbox(t: Test, api: TestApi, options: Partial<FieldClientOptions>): Promise<FieldClient> {
  const { storage, outbox } = await withPhoneStorage();
  const client = await startClient(t, api, { storage, ...options });
  t.match(client.outbox[0], { status: 'refused', counter: refusedCounter, reason: /cells\/0\/x/ });
  t.equal(client.state.memoryParticles.find(({ id }) => id === 'star')?.content, 'edited offline');
  await waitUntilSynced(client);

  const sent = outbox.filter(({ counter }) => counter !== refusedCounter);
  t.equal(sent.length, 26);
  t.same(
    await countInLog(client, sent),
    sent.map(() => 1),
    'each update is in the log exactly once',
  );
  t.equal((await readWholeLog(client)).length, 13 + sent.length - unansweredCounters.length);
  const { memoryParticles, cells } = client.state;
  const contents = Object.fromEntries(memoryParticles.map(({ id, content }) => [id, content]));
  t.match(contents, { star: 'edited offline', unanswered: /applied, but/, 'offline-11': '№ 11 – "ä\\☀"' });
  t.notOk('moon' in contents, 'it was removed offline, after what another device wrote meanwhile');
  t.match(cells, { '1,2': 0.875, '5,5': 0.75, '7,9': 0.8 });
  t.same(
    client.outbox.map(({ counter, status }) => [counter, status]),
    [[refusedCounter, 'refused']],
  );
  return client;
}

t.test('outboxes of a phone and of a browser are sent, and nothing is applied twice', async (t) => {
  const api = await withRestoredApi(t);
  const phone = await sendPhoneOutbox(t, api, { getToken: () => api.createToken({ device: phoneDevice }) });
  t.equal(phone.deviceId, phoneDevice);

  const stored = await readStored('browser-local-storage.json');
  const browser = await startClient(t, api, { storage: localStorage({ localStorage: toLocalStorage(stored) }) });
  await waitUntilSynced(browser);
  t.same(await countInLog(browser, readOutbox(await readStored('browser-local-storage.json'))), [1, 1]);
  t.match(browser.state.cells, { '8,8': 0.875 });
  t.same((await verifyField(api.backing.db, asField(field))).differences, []);
});

t.test('a phone that has to register again, as another device, does not repeat what was applied', async (t) => {
  const api = await withRestoredApi(t);
  const phone = await sendPhoneOutbox(t, api, {});
  t.not(phone.deviceId, phoneDevice);
});

function toLocalStorage(values: Map<string, string>) {
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
}
