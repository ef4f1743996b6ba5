/** Writes an older copy over a newer one, as a slow worker would that does not look at the version. */
import type { FieldId } from '../../../shared/field/ids.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { Plant } from './plant.ts';

const field = 'hot' as FieldId;
let older: Record<string, string> = {};

export const overwriteCache: Plant = {
  expectedViolation: 'cache',
  async tamper({ observer: { cacheRedis, names } }) {
    older = await waitUntil('there is a copy', async () => {
      const { version, ...entries } = await cacheRedis.hgetall(names.stateKey(field));
      return version !== undefined && entries;
    });
  },
  async tamperAtRest({ observer: { cacheRedis, names } }) {
    // Its entries, and not its version: that alone would show every reader that the copy is old, and heal it.
    await cacheRedis.hset(names.stateKey(field), older);
  },
};
