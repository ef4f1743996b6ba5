/** A database is put back to an earlier state: whoever holds a state that it no longer has notices, and ends with the right one. */
import t, { type Test } from 'tap';
import { memoryStorage } from '../../client/storage/memory-storage.ts';
import type { FieldClient } from '../../client/types.ts';
import { restoreBackup } from '../../db/backup/restore-backup.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import type { ServerMessage } from '../../shared/contract/messages.ts';
import { type TestApi, withApi } from '../api/support/with-app.ts';
import { makeClient, waitForStatus } from '../client/with-client.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { readCached, readCursorAt, readStored, waitForCache } from '../support/read-back.ts';
import { copyField } from '../support/servers/copy-field.ts';
import { asField, putParticle, removeParticle, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { backUp } from '../support/with-backup.ts';

const field = asField('restored');
const statePath = `/api/fields/${field}`;

interface Result {
  readonly outcome: string;
  readonly version: number;
}

async function send(api: TestApi, device: string, updates: readonly object[]): Promise<Result[]> {
  const response = await api.request(`${statePath}/updates`, {
    token: await api.createToken({ device }),
    body: { updates },
    headers: { prefer: 'wait=20' },
  });
  if (response.status !== 200) throw new Error(`not applied: ${response.text}`);
  return response.body.results;
}

/** Five updates that stay, and five that the restore takes back. */
const keptUpdates = [1, 2, 3, 4].map((counter) => setCell(counter, counter, 0.5));
const kept = [...keptUpdates, putParticle(5, 'kept', { resonance: 0.25 })];
const lost = [
  putParticle(6, 'ghost', { resonance: 0.9, content: 'of the lost history' }),
  setCell(7, 1, 0.9),
  setCell(8, 20, 0.9),
  removeParticle(9, 'kept', { seen: 5 }),
  setCell(10, 21, 0.9),
];
/** Other updates, with which the field comes to the same version and beyond. */
const first = [1, 2, 3, 4, 5].map((counter) => setCell(counter, counter + 5, 0.75));
const second = [putParticle(6, 'new'), setCell(7, 2, 0.8), setCell(8, 12, 0.8)];

/** A client with a token of its own device, and the messages that it has received. */
async function openClient(t: Test, api: TestApi, storage = memoryStorage()) {
  const token = await api.createToken({ device: 'watcher' });
  const client = makeClient(t, { url: api.address, field, storage, token });
  const messages: ServerMessage[] = [];
  client.on('message', (message) => messages.push(message));
  await client.start();
  await waitForStatus(client, 'live');
  return { client, messages, storage };
}

async function waitForCursor(client: FieldClient, cursor: string): Promise<void> {
  await waitUntil(`the client is at ${cursor}`, () => client.state.cursor === cursor);
}

t.test(
  'after a restore everybody ends with the state of PostgreSQL, although versions are assigned again',
  async (t) => {
    const backing = await withBacking(t);
    await withWorker(t, backing);
    const api = await withApi(t, backing);
    const token = await api.createToken({ device: 'reader' });
    await send(api, 'writer', kept);
    const restore = await copyField(backing.db, field);
    await send(api, 'writer', lost);
    const away = await openClient(t, api);
    const watching = await openClient(t, api);
    const deadCursor = await readCursorAt(backing, field, 10);
    await Promise.all([waitForCursor(away.client, deadCursor), waitForCursor(watching.client, deadCursor)]);
    const { headers } = await api.request(statePath, { token });
    const deadEtag = headers.get('etag') ?? '';
    t.equal(deadEtag, `"${deadCursor}"`);
    await away.client.close();

    await restore();
    await send(api, 'other', first);
    const read = await api.request(statePath, { token, headers: { 'if-none-match': deadEtag } });
    t.match(read, { status: 200, body: { version: 10, cells: { '10,0': 0.75 } } }, 'the ETag of another version 10');
    t.same(read.body, JSON.parse(await readStored(backing, field)));
    await send(api, 'other', second);

    const resumed = await openClient(t, api, away.storage);
    await waitUntil('the resumed client is at version 13', () => resumed.client.state.version === 13);
    t.match(
      resumed.messages.find(({ type }) => type === 'snapshot'),
      { reason: 'unknown-cursor' },
    );
    await waitUntil('the watching client is at version 13', () => watching.client.state.version === 13);
    t.match(
      watching.messages.findLast(({ type }) => type === 'snapshot'),
      { reason: 'unknown-cursor' },
    );
    const stored = JSON.parse(await readStored(backing, field));
    for (const { client } of [resumed, watching]) t.same(client.state, stored);
    t.notOk(stored.memoryParticles.some(({ id }: { id: string }) => id === 'ghost'));
    await resumed.client.close();
    const again = await openClient(t, api, away.storage);
    t.same(again.client.state, stored, 'also after another start with the kept state');

    const claimed = { ...setCell(1, 6, 0.1), seen: deadCursor };
    t.match(await send(api, 'claimer', [claimed]), [{ outcome: 'conflict', version: 14 }], 'the cursor claims nothing');
    const seen = await readCursorAt(backing, field, 14);
    t.match(await send(api, 'claimer', [{ ...setCell(2, 7, 0.1), seen }]), [{ outcome: 'applied', version: 15 }]);
    await waitForCache(backing, field, 15);
    t.equal(await readCached(backing, field), await readStored(backing, field));
    t.same((await verifyField(backing.db, field)).differences, []);
  },
);

t.test('updates that a restore has taken back are applied when their device sends them again', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const api = await withApi(t, backing);
  await send(api, 'writer', kept);
  const restore = await copyField(backing.db, field);
  await send(api, 'writer', lost);
  await restore();
  const outcomes = (await send(api, 'writer', [...kept, ...lost])).map(({ outcome }) => outcome);
  t.same(outcomes, [...kept.map(() => 'duplicate'), ...lost.map(() => 'applied')]);
  t.same((await verifyField(backing.db, field)).differences, []);
});

t.test('a client with a kept state of the original gets the state of a restored backup', async (t) => {
  const source = await withBacking(t);
  await withWorker(t, source);
  const before = await withApi(t, source);
  await send(before, 'writer', kept);
  const { path } = await backUp(t, source);
  await send(before, 'writer', lost);
  const { client, storage } = await openClient(t, before);
  await waitForCursor(client, await readCursorAt(source, field, 10));
  await client.close();
  await before.stop();

  const target = await withBacking(t);
  await restoreBackup({ folder: path, url: directDatabaseUrl(target.config) });
  await withWorker(t, target);
  // At the same address, since a client keeps a state for each server.
  const after = await withApi(t, target, { PORT: new URL(before.address).port });
  await send(after, 'other', [...first, ...second]);
  const resumed = await openClient(t, after, storage);
  await waitUntil('the client is at version 13', () => resumed.client.state.version === 13);
  t.match(
    resumed.messages.find(({ type }) => type === 'snapshot'),
    { reason: 'unknown-cursor' },
  );
  t.same(resumed.client.state, JSON.parse(await readStored(target, field)));
});
