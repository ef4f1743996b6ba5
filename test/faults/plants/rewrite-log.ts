/** Alters an update in the log after it was applied. */
import type { Plant } from './plant.ts';

const rewrite = `
  UPDATE field_updates SET update = jsonb_set(update, '{cells,0,value}', '0.0625')
  WHERE field_id = 'hot' AND version = (
    SELECT max(version) FROM field_updates WHERE field_id = 'hot' AND update->>'kind' = 'cells.set')`;

export const rewriteLog: Plant = {
  expectedViolation: 'altered',
  async tamperAtRest({ observer: { db } }) {
    await db.raw(rewrite);
  },
};
