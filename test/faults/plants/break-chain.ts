/** Changes when an entry in the middle of the log was logged, which nothing but its hash shows. */
import type { Plant } from './plant.ts';

const rewrite = `
  UPDATE field_updates SET logged_at = logged_at + 1
  WHERE field_id = 'hot' AND version = (
    SELECT max(version) - 20 FROM field_updates WHERE field_id = 'hot')`;

export const breakChain: Plant = {
  expectedViolation: 'replay',
  async tamperAtRest({ observer: { db } }) {
    await db.raw(rewrite);
  },
};
