/** All processes are killed at once while updates are sent: none is lost or duplicated, and the state is preserved. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { connectDatabase } from '../../db/connect.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { listLiveRecords } from '../../dev/processes/pid-files.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { npmStart } from '../support/processes/npm-start.ts';
import { type DeviceUpdate, readUpdates } from '../support/read-updates.ts';
import { asField } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';

const field = asField('earthquakes');
const batchSize = 20;
const longTimeout = { timeoutMs: 90_000 };

interface Api {
  readonly url: string;
  readonly token: string;
}

/** The outbox of one seismic network: retries each batch until it is accepted. */
async function sendAll(findApi: () => Api, device: string, updates: DeviceUpdate[]): Promise<void> {
  for (let sent = 0; sent < updates.length; sent += batchSize) {
    const body = JSON.stringify({ updates: updates.slice(sent, sent + batchSize).map(({ update }) => update) });
    await waitUntil(
      `a batch of ${device} is accepted`,
      async () => (await post(findApi(), device, body)) === 202,
      longTimeout,
    );
  }
}

/** The token of each network, which registers once. */
const tokens = new Map<string, string>();

async function post({ url }: Api, network: string, body: string): Promise<number> {
  const json = { 'content-type': 'application/json' };
  if (!tokens.has(network)) {
    const registered = await fetch(`${url}/api/devices`, { method: 'POST', headers: json, body: '{}' });
    tokens.set(network, ((await registered.json()) as { token: string }).token);
  }
  const headers = { ...json, authorization: `Bearer ${tokens.get(network)}` };
  return (await fetch(`${url}/api/fields/${field}/updates`, { method: 'POST', headers, body })).status;
}

async function readState({ url, token }: Api): Promise<{ version: number; memoryParticles: unknown[] }> {
  const response = await fetch(`${url}/api/fields/${field}`, { headers: { authorization: `Bearer ${token}` } });
  return (await response.json()) as { version: number; memoryParticles: unknown[] };
}

const waitForVersion = (api: Api, version: number) =>
  waitUntil(`version ${version} is visible`, async () => (await readState(api)).version >= version, longTimeout);

t.test('no update is lost or applied twice when all processes are killed', async (t) => {
  const folder = join(await withFolder(t), 'data');
  const updates = await readUpdates('earthquakes.ndjson');
  const devices = [...new Set(updates.map(({ device }) => device))];
  const first = npmStart(t, folder);
  let api: Api = await first.ready();
  const sending = Promise.all(
    devices.map((device) =>
      sendAll(
        () => api,
        device,
        updates.filter((update) => update.device === device),
      ),
    ),
  );
  await waitForVersion(api, 300);
  for (const { pid } of listLiveRecords(join(folder, 'run'))) process.kill(pid, 'SIGKILL');
  first.kill('SIGKILL');
  await first.exited();

  const second = npmStart(t, folder);
  api = await second.ready();
  await sending;
  await waitForVersion(api, updates.length);
  const before = await readState(api);
  t.equal(before.version, updates.length, 'every update was applied once');
  t.ok(before.memoryParticles.length >= 800 && before.memoryParticles.length <= 1000);
  second.kill('SIGTERM');
  t.equal(await second.exited(), '0');

  const third = npmStart(t, folder);
  api = await third.ready();
  t.same(await readState(api), before, 'the state is the same after a clean restart');
  const { DATABASE_URL: url } = JSON.parse(await readFile(join(folder, 'stack.json'), 'utf8')) as {
    DATABASE_URL: string;
  };
  const db = connectDatabase({
    url,
    poolSize: 2,
    applicationName: 'test',
    log: createLogger({ name: 'test', level: 'silent' }),
  });
  t.teardown(() => db.destroy());
  t.same((await verifyField(db, field)).differences, [], 'the log replays to the stored state');
});
