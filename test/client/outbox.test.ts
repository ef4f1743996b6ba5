import { spawn } from 'node:child_process';
import { cp } from 'node:fs/promises';
import t from 'tap';
import { fileStorage } from '../../client/storage/file-storage.ts';
import { memoryStorage } from '../../client/storage/memory-storage.ts';
import { persistentStorage } from '../../client/storage/persistent-storage.ts';
import type { ClientProblem } from '../../client/types.ts';
import { testProcess } from '../support/processes/modules.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';
import { readWholeLog } from './read-log.ts';
import { waitForStatus, waitUntilSynced, withClient, withField } from './with-client.ts';

const api = await withField(t);

t.test('after a process was killed, the next one sends its stored updates exactly once', async (t) => {
  const [field, folder, count] = ['killed', await withFolder(t), 120];
  // No server listens on port 9.
  const nowhere = 'http://127.0.0.1:9';
  const args = [testProcess('test/client/offline-writer'), nowhere, field, folder, String(count)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = await new Promise<string>((resolve) => child.stdout.once('data', (chunk) => resolve(String(chunk))));
  t.equal(Number(output), count);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));

  // The app has learned of the address at which the server is now.
  const storage = fileStorage(folder);
  const next = await withClient(t, { url: api.address, field, storage });
  t.equal(next.pending, count);
  await waitUntilSynced(next);
  await next.close();
  const again = await withClient(t, { url: api.address, field, storage });
  await waitForStatus(again, 'live');
  t.equal(again.pending, 0);
  const log = await readWholeLog(again);
  t.same(
    log.map(({ update }) => update.kind === 'particle.put' && update.content),
    Array.from({ length: count }, (_, index) => `edit ${index + 1}`),
  );
});

t.test('a refused update is kept with its reason, and the rest of its batch is applied in order', async (t) => {
  const client = await withClient(t, { url: api.address, field: 'refused' });
  for (let edit = 1; edit <= 25; edit += 1) {
    // Only the server knows the size of the grid.
    client.setCells([{ x: edit, y: edit === 7 || edit === 19 ? 30 : 0, value: 0.5 }]);
  }
  await waitUntilSynced(client);
  t.match(client.outbox, [
    { status: 'refused', update: { cells: [{ x: 7, y: 30 }] }, reason: /cells\/0\/y/ },
    { status: 'refused', update: { cells: [{ x: 19, y: 30 }] }, reason: /cells\/0\/y/ },
  ]);
  t.equal(client.outbox.length, 2);
  t.notOk('7,30' in client.state.cells, 'it is no longer shown');
  const columns = (await readWholeLog(client)).map(({ update }) => 'cells' in update && update.cells[0]?.x);
  const good = Array.from({ length: 25 }, (_, index) => index + 1).filter((x) => x !== 7 && x !== 19);
  t.same(columns, good);
  const [refused] = client.outbox;
  if (refused) client.discard(refused);
  t.equal(client.outbox.length, 1);
});

t.test('an update that is too large by itself is found by halving the batch', async (t) => {
  const problem = JSON.stringify({ status: 413, code: 'payload_too_large', title: 'The request is too large' });
  const refuseHuge: typeof fetch = async (address, init) =>
    String(init?.body).includes('huge') ? new Response(problem, { status: 413 }) : fetch(address, init);
  const client = await withClient(t, { url: api.address, field: 'large', fetch: refuseHuge, transports: ['polling'] });
  client.setCells([{ x: 0, y: 0, value: 0.5 }]);
  const huge = client.putParticle('huge', {});
  client.setCells([{ x: 1, y: 0, value: 0.5 }]);
  t.equal((await client.settled(huge)).status, 'refused');
  await waitUntilSynced(client);
  t.match(client.state.cells, { '0,0': 0.5, '1,0': 0.5 });
});

t.test('a restored backup continues above the counters that the server knows', async (t) => {
  const [field, folder, backup] = ['restored', await withFolder(t), await withFolder(t)];
  const first = await withClient(t, { url: api.address, field, storage: fileStorage(folder) });
  first.setCells([{ x: 0, y: 0, value: 0.1 }]);
  await waitUntilSynced(first);
  await first.close();
  await cp(folder, backup, { recursive: true });
  await first.start();
  for (const value of [0.2, 0.3]) first.setCells([{ x: 0, y: 0, value }]);
  await waitUntilSynced(first);
  await first.close();

  const problems: ClientProblem[] = [];
  const restored = await withClient(t, { url: api.address, field, storage: fileStorage(backup) });
  restored.on('problem', (problem) => problems.push(problem));
  t.equal(restored.deviceId, first.deviceId);
  restored.setCells([{ x: 0, y: 0, value: 0.9 }]);
  await waitUntilSynced(restored);
  t.match(problems, [{ code: 'counters_skipped' }]);
  t.equal(restored.state.cells['0,0'], 0.9);
  const log = await readWholeLog(restored);
  t.same(
    log.map(({ update }) => update.kind === 'cells.set' && update.cells[0]?.value),
    [0.1, 0.2, 0.3, 0.9],
  );
  t.ok(
    (log.at(-1)?.update.counter ?? 0) > 1000,
    'far above, since the server may have accepted more than it has applied',
  );
});

t.test(
  'unsent updates in a backup are applied once, even if the device has sent them since or reused their counters',
  async (t) => {
    const [field, folder, backup] = ['copied', await withFolder(t), await withFolder(t)];
    const toStored = (value: number, counter: number) =>
      JSON.stringify({
        place: counter,
        update: { kind: 'cells.set', cells: [{ x: counter, y: 0, value }], counter, timestamp: 1, seen: 0 },
        wall: Date.now(),
        above: 0,
      });
    const scope = `${api.address}/${field}`;
    const token = await api.createToken({ device: 'copied-phone' });
    const original = fileStorage(folder);
    await original.set(`${scope}/outbox/1`, toStored(0.1, 1));
    await cp(folder, backup, { recursive: true });
    await fileStorage(backup).set(`${scope}/outbox/2`, toStored(0.7, 2));
    const first = await withClient(t, { url: api.address, field, storage: original, token });
    first.setCells([{ x: 9, y: 0, value: 0.2 }]);
    await waitUntilSynced(first);
    await first.close();
    const copy = await withClient(t, {
      url: api.address,
      field,
      storage: fileStorage(backup),
      token,
    });
    await waitUntilSynced(copy);
    t.same(
      (await readWholeLog(copy)).map(({ update }) => [
        update.counter,
        update.kind === 'cells.set' && update.cells[0]?.value,
      ]),
      [
        [1, 0.1],
        [2, 0.2],
        [3, 0.7],
      ],
    );
  },
);

t.test('two clients that send as one device lose and duplicate nothing', async (t) => {
  const field = 'shared-device';
  const token = await api.createToken({ device: 'copied' });
  const [one, two] = [
    await withClient(t, { url: api.address, field, token }),
    await withClient(t, { url: api.address, field, token }),
  ];
  await Promise.all([waitForStatus(one, 'live'), waitForStatus(two, 'live')]);
  const rounds = 15;
  for (let round = 0; round < rounds; round++) {
    one.putParticle(`one-${round}`, { content: 'from one' });
    two.putParticle(`two-${round}`, { content: 'from the other' });
    await Promise.all([waitUntilSynced(one), waitUntilSynced(two)]);
  }
  const isComplete = ({ state }: typeof one) =>
    state.memoryParticles.length === 2 * rounds && state.version === 2 * rounds;
  t.ok(await waitUntil('both clients have every update once', () => isComplete(one) && isComplete(two)));
});

t.test('a reinstalled app is a new device', async (t) => {
  const field = 'reinstalled';
  const before = await withClient(t, { url: api.address, field, storage: memoryStorage() });
  before.setCells([{ x: 0, y: 0, value: 0.1 }]);
  await waitUntilSynced(before);
  const after = await withClient(t, { url: api.address, field, storage: memoryStorage() });
  after.setCells([{ x: 0, y: 0, value: 0.2 }]);
  await waitUntilSynced(after);
  t.not(after.deviceId, before.deviceId);
  t.same(
    (await readWholeLog(after)).map(({ update }) => update.counter),
    [1, 1],
  );
});

t.test('a storage that cannot be written is reported, and updates are sent all the same', async (t) => {
  const full = {
    get: async () => null,
    set: () => Promise.reject(new Error('quota exceeded')),
    remove: async () => {},
  };
  const client = await withClient(t, {
    url: api.address,
    field: 'full',
    storage: persistentStorage(full),
    token: await api.createToken(),
  });
  const problems: ClientProblem[] = [];
  client.on('problem', (problem) => problems.push(problem));
  client.setCells([{ x: 0, y: 0, value: 0.1 }]);
  await waitUntilSynced(client);
  t.match(problems, [{ code: 'storage', message: 'quota exceeded' }]);
});
