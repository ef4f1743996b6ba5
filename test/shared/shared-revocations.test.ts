/** The revocations that workers publish for APIs without PostgreSQL, on a real Redis. */
import t, { type Test } from 'tap';
import { type Revocation, RevocationList } from '../../shared/auth/revocation-list.ts';
import { SharedRevocations } from '../../shared/auth/shared-revocations.ts';
import { createCacheKeys } from '../../shared/cache/cache-keys.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { withOneRedis, withRedis } from '../support/servers/servers.ts';

const keys = createCacheKeys('field', 'installation');
const long = 3_600_000;

function revocation(change: number, subject: string, isLifted = false): Revocation {
  return { kind: 'device', subject, revokedAt: 1000 * change, isLifted, change };
}

async function withShared(t: Test) {
  const { cacheUrl } = await withRedis(t);
  const redis = connectRedis(cacheUrl, 'test', createLogger({ name: 'test', level: 'silent' }), {});
  t.teardown(() => redis.disconnect());
  return { redis, shared: new SharedRevocations(redis, keys) };
}

/** A list that a worker has read from PostgreSQL. */
function createList(changes: readonly Revocation[], ageMs = 0): RevocationList {
  const list = new RevocationList();
  list.apply(changes, performance.now() - ageMs);
  return list;
}

const knows = (list: RevocationList) => list.list().map(({ subject }) => subject);

t.test('a process receives the list, with the age of its check', async (t) => {
  const { shared } = await withShared(t);
  const list = createList([], long);
  t.notOk(await shared.refresh(list), 'nothing is published');
  t.equal(list.recentChange, undefined);

  await shared.publish(createList([revocation(1, 'a'), revocation(2, 'b'), revocation(3, 'a', true)]));
  t.ok(await shared.refresh(list));
  t.same(knows(list), ['b']);
  t.equal(list.recentChange, 3);
  t.notOk(await shared.refresh(list), 'the same list again');

  const late = createList([], long);
  await shared.publish(createList([revocation(4, 'c')], long));
  t.ok(await shared.refresh(late));
  t.same(knows(late), ['c']);
  t.equal(late.recentChange, undefined, 'it was checked too long ago');
});

t.test('an empty list is published as well, so that processes know that it was checked', async (t) => {
  const { shared } = await withShared(t);
  await shared.publish(createList([]));
  const list = createList([], long);
  await shared.refresh(list);
  t.equal(list.recentChange, 0);
});

t.test('an older list replaces nothing, and refreshes nothing', async (t) => {
  const { shared } = await withShared(t);
  await shared.publish(createList([revocation(1, 'a'), revocation(2, 'b')], long));
  await shared.publish(createList([revocation(1, 'a')]));
  const list = createList([], long);
  await shared.refresh(list);
  t.same(knows(list), ['a', 'b']);
  t.equal(list.recentChange, undefined);

  const newer = createList([revocation(3, 'c')], long);
  t.notOk(await shared.refresh(newer));
  t.same(knows(newer), ['c']);
});

t.test('a check in the future, as after the clock of Redis was set back, is not recent', async (t) => {
  const { shared, redis } = await withShared(t);
  await shared.publish(createList([revocation(1, 'a')]));
  await redis.hset(keys.revocationsKey, 'checkedAt', Date.now() + long);
  const list = createList([], long);
  await shared.refresh(list);
  t.same(knows(list), ['a']);
  t.equal(list.recentChange, undefined);
});

t.test('a new list is announced, and an emptied Redis gets it again', withOneRedis, async (t) => {
  const { shared, redis } = await withShared(t);
  const subscriber = redis.duplicate();
  t.teardown(() => subscriber.disconnect());
  await subscriber.subscribe(keys.revocationChannel);
  let messages = 0;
  subscriber.on('message', () => {
    messages += 1;
  });
  const list = createList([revocation(1, 'a')]);
  await shared.publish(list);
  await shared.publish(list);
  await redis.flushdb();
  await shared.publish(list);
  await subscriber.ping();
  t.equal(messages, 2);
  const other = createList([], long);
  await shared.refresh(other);
  t.same(knows(other), ['a']);
});
