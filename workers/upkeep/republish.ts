/** Tells the cache of commits that it missed while it was away. */

import { loadStoredState } from '../../db/stored-field.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { cutState } from '../../shared/state-pieces.ts';
import { renderDelta } from '../../shared/state-text.ts';
import type { UpkeepDeps } from '../deps.ts';

/** @returns how many fields were published. @throws when the cache is still away: the marks stay. */
export async function republishFields({ db, cache }: UpkeepDeps): Promise<number> {
  const marks: { field_id: FieldId; since: Date }[] = await db('unpublished_fields')
    .select('field_id', 'since')
    .limit(1000);
  for (const { field_id: field, since } of marks) {
    const state = await loadStoredState(db, field);
    if (state) {
      const whole = cutState(state);
      const nothing = { ...whole, particles: [], cells: [] };
      const delta = renderDelta(state.version, nothing, []);
      await cache.publish({ from: state.version, pieces: nothing, delta, whole: () => whole });
    }
    // A mark that was set anew meanwhile stands for a later commit.
    await db('unpublished_fields').where({ field_id: field, since }).delete();
  }
  return marks.length;
}
