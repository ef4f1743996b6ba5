/** Tests the cache by forcing each interleaving of commits, cache fills and lost copies, so that no test depends on timing. */
import t, { type Test } from 'tap';
import { createCacheKeys } from '../../shared/cache/cache-keys.ts';
import { parseChangeMessage } from '../../shared/cache/change-message.ts';
import { FieldCache, type Publication } from '../../shared/cache/field-cache.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeDelta, serializeState } from '../../shared/cache/state-serializer.ts';
import { versionOf } from '../../shared/field/cursor.ts';
import { foldUpdate } from '../../shared/field/fold.ts';
import { type ChangeSet, emptyChangeSet } from '../../shared/field/merge-update.ts';
import { createFieldState, cursorOf, type FieldState } from '../../shared/field/state.ts';
import type { Update } from '../../shared/field/update.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { withRedis } from '../support/servers/servers.ts';
import { asDevice, asField, putParticle, removeParticle, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('garden');
const keys = createCacheKeys('test', 'one');
const device = asDevice('ada');

async function withCache(t: Test) {
  const server = await withRedis(t);
  const redis = connectRedis(server.cacheUrl, 'test', createLogger({ name: 'test', level: 'silent' }), {});
  t.teardown(() => redis.disconnect());
  return { redis, cache: new FieldCache(redis, keys, 60), server };
}

const hashOf = (history: string, version: number) => `${history}${version}`.padStart(16, '0');

/** Creates a state and a function that commits updates to it and returns the publication of a worker. */
function createWriter(history = 'a') {
  const state = createFieldState(field);
  const commit = (...updates: Update[]): Publication => {
    const from = cursorOf(state);
    const changes: ChangeSet = emptyChangeSet();
    for (const update of updates) foldUpdate(state, device, update, 1000 + update.counter, changes);
    state.hash = hashOf(history, state.version);
    const fragments = toFragments(state, changes);
    return { from, fragments, delta: serializeDelta(from, fragments, []) };
  };
  return { state, commit };
}

const textOf = (state: FieldState) => serializeState(toFragments(state)).toString();

async function cachedText(cache: FieldCache): Promise<string | undefined> {
  const fragments = await cache.read(field);
  return fragments && serializeState(fragments).toString();
}

const threeCommits = () => {
  const writer = createWriter();
  const commits = [
    writer.commit(putParticle(1, 'a', { resonance: 0.2 }), setCell(2, 1, 0.5)),
    writer.commit(putParticle(3, 'b', { content: 'two' }), setCell(4, 2, 0.25)),
    writer.commit(removeParticle(5, 'a'), putParticle(6, 'c'), setCell(7, 1, 0.75)),
  ] as const;
  return { state: writer.state, commits };
};

/** Reads a state from PostgreSQL, as far as the cache is concerned, and stores it. */
async function fill(cache: FieldCache, state: FieldState): Promise<void> {
  await cache.fill(await cache.beginFill(field), toFragments(state));
}

t.test('commits published in any order leave the newest state or none, and never an older one', async (t) => {
  const { redis, cache } = await withCache(t);
  for (const order of [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ] as const) {
    await redis.flushdb();
    await fill(cache, createFieldState(field));
    const { state, commits } = threeCommits();
    for (const index of order) await cache.publish(commits[index]);
    const text = await cachedText(cache);
    if (order.join() === '0,1,2') t.equal(text, textOf(state));
    else t.ok(text === undefined || text === textOf(state), order.join());
  }
});

t.test('a commit deletes a copy that it does not continue, and says that the cache is to be filled', async (t) => {
  const { cache } = await withCache(t);
  await fill(cache, createFieldState(field));
  const { state, commits } = threeCommits();
  t.equal(await cache.publish(commits[0]), true);
  t.equal(await cache.publish(commits[2]), false);
  t.equal(await cachedText(cache), undefined);
  await fill(cache, state);
  t.equal(await cachedText(cache), textOf(state));
  const other = createWriter('b');
  const ofOtherHistory = other.commit(...Array.from({ length: 7 }, (_, index) => setCell(index + 1, 3, 0.5)));
  t.equal(await cache.publish(ofOtherHistory), false, 'the same version of another history');
  t.equal(await cachedText(cache), undefined);
});

t.test('a state that was read before a commit was published is not stored', async (t) => {
  const { cache } = await withCache(t);
  const writer = createWriter();
  const token = await cache.beginFill(field);
  const readBeforeCommit = toFragments(writer.state);
  t.equal(await cache.publish(writer.commit(setCell(1, 1, 0.1))), false);
  await cache.fill(token, readBeforeCommit);
  t.equal(await cachedText(cache), undefined);
});

t.test('a fill does not replace a copy', async (t) => {
  const { cache } = await withCache(t);
  const writer = createWriter();
  const token = await cache.beginFill(field);
  const older = toFragments(writer.state);
  writer.commit(setCell(1, 1, 0.1));
  await cache.fill(token, toFragments(writer.state));
  await cache.fill(token, older);
  t.equal(await cachedText(cache), textOf(writer.state));
});

t.test('an empty cache accepts a fill, and the next commit patches it', async (t) => {
  const { redis, cache } = await withCache(t);
  const writer = createWriter();
  writer.commit(setCell(1, 1, 0.1), putParticle(2, 'a'));
  await fill(cache, writer.state);
  t.equal(await cache.publish(writer.commit(setCell(3, 1, 0.9))), true);
  t.equal(await cachedText(cache), textOf(writer.state));
  t.ok((await redis.ttl(keys.stateKey(field))) > 0, 'the copy expires');
});

t.test('only the copy at the given cursor is invalidated, and tokens are void afterwards', async (t) => {
  const { cache } = await withCache(t);
  const writer = createWriter();
  const token = await cache.beginFill(field);
  const older = cursorOf(writer.state);
  writer.commit(setCell(1, 1, 0.1));
  await cache.fill(token, toFragments(writer.state));
  await cache.invalidate(field, older);
  t.equal(await cachedText(cache), textOf(writer.state));
  await cache.invalidate(field, cursorOf(writer.state));
  await cache.fill(token, toFragments(writer.state));
  t.equal(await cachedText(cache), undefined);
});

t.test('publishing the last commit twice leaves the copy unchanged and sends its message twice', async (t) => {
  const { redis, cache } = await withCache(t);
  const subscriber = redis.duplicate();
  t.teardown(() => subscriber.disconnect());
  const messages: string[] = [];
  subscriber.on('message', (_channel, message) => messages.push(message));
  await subscriber.subscribe(keys.fieldChannel(field));
  await fill(cache, createFieldState(field));
  const { state, commits } = threeCommits();
  for (const commit of [...commits, commits[2]]) await cache.publish(commit);
  t.equal(await cachedText(cache), textOf(state));
  await cache.publish(commits[0]);
  await waitUntil('five messages have arrived', () => messages.length === 5);
  t.same(
    messages.map(parseChangeMessage).map(({ from, to }) => [versionOf(from), versionOf(to)]),
    [
      [0, 2],
      [2, 4],
      [4, 7],
      [4, 7],
      [0, 2],
    ],
  );
});

t.test('a message is published only after the cache holds its version', async (t) => {
  const { redis, cache } = await withCache(t);
  const subscriber = redis.duplicate();
  t.teardown(() => subscriber.disconnect());
  const seen: (readonly [number, number])[] = [];
  subscriber.on('message', (_channel, message) => {
    const { to } = parseChangeMessage(message);
    void cache.readCursor(field).then((cursor) => seen.push([versionOf(to), cursor ? versionOf(cursor) : 0]));
  });
  await subscriber.subscribe(keys.fieldChannel(field));
  const writer = createWriter();
  await fill(cache, writer.state);
  for (let counter = 1; counter <= 50; counter += 1)
    await cache.publish(writer.commit(setCell(counter, 1, counter / 50)));
  await waitUntil('all messages have arrived', () => seen.length === 50);
  t.ok(seen.every(([to, version]) => version >= to));
});

t.test('a copy of 1000 particles and 900 cells is read back unchanged', async (t) => {
  const { cache } = await withCache(t);
  const writer = createWriter();
  await fill(cache, writer.state);
  const puts = Array.from({ length: 1000 }, (_, index) => putParticle(index + 1, `p${index}`, { resonance: 0.1 }));
  const cells: Update = {
    ...setCell(1001, 0, 0),
    kind: 'cells.set',
    cells: Array.from({ length: 900 }, (_, index) => ({
      x: index % 30,
      y: Math.floor(index / 30),
      value: index / 900,
    })),
  };
  await cache.publish(writer.commit(...puts, cells));
  t.equal(await cachedText(cache), textOf(writer.state));
  const removals = puts.slice(0, 999).map(({ counter }, index) => removeParticle(1001 + counter, `p${index}`));
  await cache.publish(writer.commit(...removals));
  t.equal(await cachedText(cache), textOf(writer.state));
});

t.test('particle ids that resemble the encoding are read back unchanged', async (t) => {
  const { cache } = await withCache(t);
  const writer = createWriter();
  await fill(cache, writer.state);
  const ids = [
    ' ',
    '1 2 3',
    'p1 1 a',
    '{"id":"x"}',
    'c1,1 0.5',
    '12',
    'version',
    'head',
    '💫 ☄️',
    'line\nfeed',
    'x'.repeat(128),
  ];
  await cache.publish(
    writer.commit(...ids.map((id, index) => putParticle(index + 1, id, { content: `of ${id}` })), setCell(99, 29, 1)),
  );
  const copy = await cache.read(field);
  t.same(copy?.particles.map(({ id }) => id).sort(), [...ids].sort());
  t.equal(await cachedText(cache), textOf(writer.state));
});
