/** Gives the newest entry another hash, as if the field had another history of the same length and content. */
import type { Plant } from './plant.ts';

const rewriteEntry = `
  UPDATE field_updates logged SET hash = reverse(logged.hash) FROM consciousness_states state
  WHERE (logged.field_id, logged.version) = (state.field_id, state.version) AND state.field_id = 'hot'`;
const rewriteField = "UPDATE consciousness_states SET hash = reverse(hash) WHERE field_id = 'hot'";

export const otherHistory: Plant = {
  expectedViolation: 'watcher',
  async tamperAtRest({ observer: { db } }) {
    await db.transaction(async (trx) => {
      await trx.raw(rewriteEntry);
      await trx.raw(rewriteField);
    });
  },
};
