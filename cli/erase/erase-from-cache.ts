/** Erases from the cache's Redis: the copies of fields and whatever names users and devices. Also notifies the watchers. */
import type { Redis } from 'ioredis';
import type { AppendedErasure } from '../../db/erase/append-erasure.ts';
import type { ErasureSubject } from '../../db/erase/subject.ts';
import { type CacheKeys, toViewerId } from '../../shared/cache/cache-keys.ts';
import type { FieldCache } from '../../shared/cache/field-cache.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeDelta } from '../../shared/cache/state-serializer.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { listServers } from '../../shared/redis/connect.ts';

/** Patches the copy, or deletes it, and notifies the watchers of the registers that have become empty. */
export async function publishErasure(cache: FieldCache, { from, state, changes }: AppendedErasure): Promise<void> {
  const fragments = toFragments(state, changes);
  await cache.publish({ from, fragments, delta: serializeDelta(from, fragments, []), isErasure: true });
}

/** Deletes the copy of a field that no longer exists. Watchers detect that when they compare cursors. */
export async function deleteCopy(cache: FieldCache, field: FieldId): Promise<void> {
  const cursor = await cache.readCursor(field);
  if (cursor !== undefined) await cache.invalidate(field, cursor);
}

/** Deletes the presence of devices and the rate limits of users, which would expire within a minute or a window. */
export async function deleteTraces(
  redis: Redis,
  keys: CacheKeys,
  { users, devices, field }: ErasureSubject,
): Promise<void> {
  if (field !== undefined) await redis.del(keys.presenceTimesKey(field), keys.presenceDataKey(field));
  const names = [...users, ...devices];
  if (names.length === 0) return;
  const present = [...users.map(toViewerId), ...devices];
  for await (const key of scan(redis, keys.presencePatterns.times)) await redis.zrem(key, ...present);
  for await (const key of scan(redis, keys.presencePatterns.data)) await redis.hdel(key, ...present);
  for await (const key of scan(redis, `${keys.limitPrefix}:*`)) {
    if (names.some((name) => key.endsWith(`:${name}`) || key.endsWith(`{${name}}`))) await redis.del(key);
  }
}

async function* scan(redis: Redis, pattern: string): AsyncGenerator<string> {
  for (const server of listServers(redis)) {
    let position = '0';
    do {
      const [next, found] = await server.scan(position, 'MATCH', pattern, 'COUNT', 1000);
      position = next;
      yield* found;
    } while (position !== '0');
  }
}
