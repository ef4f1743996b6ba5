/** The cache answers, and is wrong: a worker could not reach it, or it has come back with older data. */
import t, { type Test } from 'tap';
import { LatestVersions } from '../../api/state/latest-versions.ts';
import { encodeChangeMessage } from '../../shared/cache/change-message.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeDelta } from '../../shared/cache/state-serializer.ts';
import { openCommitter } from '../support/committer.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { readCached, readCachedVersion, readStored, waitForCache, waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openStream } from './support/stream-client.ts';
import { withTcpGate } from './support/tcp-gate.ts';
import { withApi } from './support/with-app.ts';

const field = asField('stale');
const statePath = `/api/fields/${field}`;
const alice = asDevice('alice');

/** A worker whose link to the cache can be cut, while everybody else reaches it. */
async function withGatedCache(t: Test, backing: Backing) {
  const url = new URL(backing.config.CACHE_REDIS_URL);
  const gate = await withTcpGate(t, { host: url.hostname, port: Number(url.port) });
  url.hostname = '127.0.0.1';
  url.port = String(gate.port);
  await withWorker(t, { ...backing, config: { ...backing.config, CACHE_REDIS_URL: url.href } });
  return gate;
}

t.test(
  'while the only worker is cut off from the cache, readers and watchers get its commits within seconds',
  async (t) => {
    const backing = await withBacking(t);
    const gate = await withGatedCache(t, backing);
    const api = await withApi(t, backing);
    const token = await api.createToken();
    const read = async () => (await api.request(statePath, { token })).body.version;
    await backing.producer.enqueue(jobOf(field, alice, [setCell(1, 1, 0.1)]));
    await waitForCache(backing, field, 1);
    t.equal(await read(), 1);
    const watcher = await openStream(t, api, { token, field });
    await watcher.waitForVersion(1);

    gate.cut();
    await backing.producer.enqueue(jobOf(field, alice, [setCell(2, 2, 0.2)]));
    await waitForVersion(backing, field, 2);
    t.equal(await readCachedVersion(backing, field), 1, 'the cache has an older copy');
    await waitUntil('a reader gets the commit', async () => (await read()) === 2, { timeoutMs: 5000 });
    await watcher.waitForVersion(2);
    t.equal(await readCached(backing, field), await readStored(backing, field));

    gate.open();
    await backing.producer.enqueue(jobOf(field, alice, [setCell(3, 3, 0.3)]));
    await watcher.waitForVersion(3);
    await waitForCache(backing, field, 3);
    t.equal(await readCached(backing, field), await readStored(backing, field));
  },
);

t.test('a cache that comes back as an older copy is noticed within seconds, although no update follows', async (t) => {
  const backing = await withBacking(t);
  const worker = await withWorker(t, backing);
  const stateKey = backing.keys.stateKey(field);
  await backing.producer.enqueue(jobOf(field, alice, [setCell(1, 1, 0.1)]));
  const reading = await withApi(t, backing);
  const token = await reading.createToken();
  await waitForVersion(backing, field, 1);
  t.equal((await reading.request(statePath, { token })).body.version, 1);
  const older = await backing.cacheRedis.dumpBuffer(stateKey);
  await backing.producer.enqueue(jobOf(field, alice, [setCell(2, 2, 0.2)]));
  await waitForCache(backing, field, 2);
  await worker.stop();
  t.equal((await reading.request(statePath, { token })).body.version, 2);
  const stored = await readStored(backing, field);

  for (const [which, api] of [
    ['a fresh API', await withApi(t, backing)],
    ['an API that has had the newer state', reading],
  ] as const) {
    await backing.cacheRedis.restore(stateKey, 0, older, 'REPLACE');
    const watcher = await openStream(t, api, { token, field });
    await waitUntil(
      `${which} serves the newer state`,
      async () => (await api.request(statePath, { token })).body.version === 2,
      { timeoutMs: 5000 },
    );
    await watcher.waitForVersion(2);
    await waitUntil(`${which} replaces the copy`, async () => (await readCached(backing, field)) === stored);
    const { headers } = await api.request(statePath, { token });
    t.equal(headers.get('x-cache'), 'hit', which);
    watcher.close();
  }
});

t.test('receipts forget a version that was lost, although the versions after it keep arriving', async (t) => {
  const { cache } = await withBacking(t);
  const versions = new LatestVersions(cache);
  versions.observe(field, 10);
  await waitUntil(
    'the lower version is returned',
    async () => {
      versions.observe(field, 4);
      return (await versions.get(field)) === 4;
    },
    { timeoutMs: 3000 },
  );
});

t.test('a field is found as soon as its first delta has arrived, before its state is in the cache', async (t) => {
  const backing = await withBacking(t);
  const { db, cacheRedis, keys } = backing;
  const api = await withApi(t, backing);
  const token = await api.createToken();
  const read = async () => (await api.request(statePath, { token })).status;
  const watcher = await openStream(t, api, { token, field });
  await watcher.find('snapshot');
  t.equal(await read(), 404);
  const committed = await openCommitter(db).commit(new Map([[field, [jobOf(field, alice, [setCell(1, 1, 0.1)])]]]));
  // What a worker publishes before it stores the state.
  const applied = committed.get(field);
  if (!applied) throw new Error('nothing was committed');
  const { from, commit, changes, updates } = applied;
  const fragments = toFragments(commit.state, changes);
  const delta = serializeDelta(from, fragments, updates);
  const message = encodeChangeMessage({ from, to: fragments.cursor, delta, isErasure: false });
  await cacheRedis.publish(keys.fieldChannel(field), message);
  await watcher.waitForVersion(1);
  t.equal(await read(), 200);
});
