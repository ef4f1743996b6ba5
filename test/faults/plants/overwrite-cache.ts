/** Overwrites the cache with an older state, like a slow worker that does not compare cursors. */
import type { FieldId } from '../../../shared/field/ids.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { Plant } from './plant.ts';

const field = 'hot' as FieldId;
let older: Record<string, string> = {};

export const overwriteCache: Plant = {
  expectedViolation: 'cache',
  async tamper({ observer: { cacheRedis, keys } }) {
    older = await waitUntil('the field is cached', async () => {
      const { cursor, ...entries } = await cacheRedis.hgetall(keys.stateKey(field));
      return cursor !== undefined && entries;
    });
  },
  async tamperAtRest({ observer: { cacheRedis, keys } }) {
    // The cursor is kept: an older one would be detected by readers, and the cache would be repaired.
    await cacheRedis.hset(keys.stateKey(field), older);
  },
};
