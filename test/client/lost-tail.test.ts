/** A failover of PostgreSQL loses the last commits. Devices that come back send again what they know as applied. */
import t, { type Test } from 'tap';
import type { FieldClientOptions } from '../../client/options.ts';
import { memoryStorage } from '../../client/storage/memory-storage.ts';
import type { FieldClient } from '../../client/types.ts';
import { copyField } from '../support/servers/copy-field.ts';
import { asField } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { readWholeLog } from './read-log.ts';
import { makeClient, waitForStatus, waitUntilSynced, withClient, withField } from './with-client.ts';

const api = await withField(t);
const cell = (x: number) => [{ x, y: 0, value: 0.5 }];

/** Copies a field. @returns a function that takes it back to the copy, and deletes what the cache has */
async function prepareLoss(id: string): Promise<() => Promise<void>> {
  const { db, cacheRedis, keys } = api.backing;
  const field = asField(id);
  const rewind = await copyField(db, field);
  return async () => {
    await rewind();
    await cacheRedis.del(keys.stateKey(field), keys.fillTokenKey(field));
  };
}

/** Applies edits of the cells 1 to `count`, of which those from `lostFrom` on will be lost. */
async function makeEdits(client: FieldClient, { count, lostFrom }: { count: number; lostFrom: number }) {
  let loseTail = async () => {};
  for (let x = 1; x <= count; x += 1) {
    if (x === lostFrom) loseTail = await prepareLoss(client.state.field);
    client.setCells(cell(x));
    await waitUntilSynced(client);
  }
  return { loseTail };
}

/** Fails if the client ever shows a state without one of the cells 1 to `count`. */
function watchCells(t: Test, client: FieldClient, count: number): void {
  client.on('state', ({ cells, version }) => {
    for (let x = 1; x <= count; x += 1) if (cells[`${x},0`] !== 0.5) t.fail(`cell ${x} is gone at version ${version}`);
  });
}

/** @returns whether the client has sent edits again since this call; they may be applied before anybody looks */
function watchResends(client: FieldClient): () => boolean {
  let hasResent = false;
  client.on('problem', ({ code }) => {
    hasResent ||= code === 'history_changed';
  });
  return () => hasResent;
}

async function countInLog(client: FieldClient): Promise<Record<string, number>> {
  const log = await readWholeLog(client);
  const counts: Record<string, number> = {};
  for (const { update } of log) {
    const key = update.kind === 'cells.set' ? `cell ${update.cells[0]?.x}` : update.kind;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

t.test('a client on a stream applies its lost edits again, once, and shows them all the time', async (t) => {
  const field = 'live';
  const [client, other] = [
    await withClient(t, { url: api.address, field, storage: memoryStorage() }),
    await withClient(t, { url: api.address, field, storage: memoryStorage() }),
  ];
  const problems: string[] = [];
  client.on('problem', ({ code }) => problems.push(code));
  const { loseTail } = await makeEdits(client, { count: 4, lostFrom: 3 });
  watchCells(t, client, 4);
  await waitUntil('the other client is up to date', () => other.state.version === 4);
  const hasResent = watchResends(client);
  await loseTail();
  other.emit('memory');
  await waitUntil('the lost edits are sent again', hasResent);
  await waitUntilSynced(client);
  t.same(problems, ['history_changed']);
  t.same(await countInLog(client), { 'cell 1': 1, 'cell 2': 1, 'cell 3': 1, 'cell 4': 1, event: 1 });
  await waitUntil('both clients show the same', () => other.state.cursor === client.state.cursor);
  t.same(client.state, other.state);
});

t.test('a client that was closed when its edits were lost applies them again after a restart', async (t) => {
  const field = 'closed';
  const storage = memoryStorage();
  const options: FieldClientOptions = { url: api.address, field, storage };
  const first = await withClient(t, options);
  const { loseTail } = await makeEdits(first, { count: 4, lostFrom: 2 });
  await first.close();
  await loseTail();
  const other = await withClient(t, { url: api.address, field, storage: memoryStorage() });
  for (let edit = 0; edit < 5; edit += 1) other.emit('memory');
  await waitUntilSynced(other);

  const next = makeClient(t, options);
  await next.start();
  watchCells(t, next, 4);
  next.setCells(cell(5));
  await waitUntil('the server has all edits', () => next.pending === 0 && next.state.version === 10);
  t.same(await countInLog(next), { 'cell 1': 1, 'cell 2': 1, 'cell 3': 1, 'cell 4': 1, 'cell 5': 1, event: 5 });
  const own = (await readWholeLog(next)).filter(({ device }) => device === next.deviceId);
  t.same(
    new Set(own.map(({ update }) => update.counter)),
    new Set([1, 2, 3, 4, 5]),
    'with their counters; a newer edit may be sent before the stream has shown that older ones are lost',
  );
});

t.test('a client that polls applies its lost edits again, whether the version is lower or higher', async (t) => {
  for (const [field, newer] of [
    ['polled-lower', 0],
    ['polled-higher', 6],
  ] as const) {
    const client = await withClient(t, { url: api.address, field, storage: memoryStorage(), transports: ['polling'] });
    const { loseTail } = await makeEdits(client, { count: 3, lostFrom: 2 });
    watchCells(t, client, 3);
    const other = await withClient(t, { url: api.address, field, storage: memoryStorage(), transports: ['polling'] });
    const hasResent = watchResends(client);
    await loseTail();
    for (let edit = 0; edit < newer; edit += 1) other.emit('memory');
    await waitUntilSynced(other);
    await waitUntil('the lost edits are sent again', () => {
      client.wake();
      return hasResent();
    });
    await waitUntilSynced(client);
    t.match(await countInLog(client), { 'cell 1': 1, 'cell 2': 1, 'cell 3': 1 });
    t.equal(client.state.version, 3 + newer);
  }
});

t.test('a result that the state never reached is noticed when the log moves on without it', async (t) => {
  const field = 'receipt';
  const storage = memoryStorage();
  const first = await withClient(t, { url: api.address, field, storage });
  const { loseTail } = await makeEdits(first, { count: 2, lostFrom: 2 });
  // The stored state is that of version 1, as if the app had been killed before the state was stored again.
  await first.close();
  const key = `consciousness-field/${field}/state/0`;
  const [header = '', text = ''] = (await storage.get(key))?.split('\n') ?? [];
  const cursor = (await readWholeLog(first))[0]?.cursor;
  const former = JSON.stringify({ ...JSON.parse(text), version: 1, cursor, cells: { '1,0': 0.5 } });
  await storage.set(key, `${JSON.stringify({ ...JSON.parse(header), length: former.length })}\n${former}`);
  await loseTail();

  const other = await withClient(t, { url: api.address, field, storage: memoryStorage() });
  other.emit('memory');
  await waitUntilSynced(other);
  const next = await withClient(t, { url: api.address, field, storage });
  t.match(next.outbox, [{ counter: 2, status: 'applied', version: 2 }], 'it is shown on top of the stored state');
  watchCells(t, next, 2);
  await waitUntil('the server has all edits', () => next.state.version === 3 && next.outbox.length === 0);
  t.same(await countInLog(next), { 'cell 1': 1, 'cell 2': 1, event: 1 });
});

t.test('a field that is gone from the server gets all edits of the last minutes again', async (t) => {
  const field = 'gone';
  const loseAll = await prepareLoss(field);
  const client = await withClient(t, { url: api.address, field, storage: memoryStorage() });
  await makeEdits(client, { count: 3, lostFrom: 4 });
  watchCells(t, client, 3);
  const hasResent = watchResends(client);
  await loseAll();
  await waitUntil('the lost edits are sent again', hasResent);
  await waitUntilSynced(client);
  t.same(await countInLog(client), { 'cell 1': 1, 'cell 2': 1, 'cell 3': 1 });
  await waitForStatus(client, 'live');
});
