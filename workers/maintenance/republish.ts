/** Tells the cache of commits that it missed while it was away. */

import { loadStoredState } from '../../db/read/load-state.ts';
import { inSnapshot } from '../../db/read-transaction.ts';
import { cutState } from '../../shared/cache/state-fragments.ts';
import { renderDelta } from '../../shared/cache/state-serializer.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { UpkeepDeps } from '../worker-context.ts';

const maxFieldsPerRun = 1000;

/** @returns how many fields were published. @throws when the cache is still away: the marks stay. */
export async function republishFields({ db, cache }: UpkeepDeps): Promise<number> {
  const marks: { field_id: FieldId }[] = await db('unpublished_fields').select('field_id').limit(maxFieldsPerRun);
  for (const { field_id: field } of marks) {
    const state = await inSnapshot(db, (trx) => loadStoredState(trx, field));
    if (!state) continue;
    const whole = cutState(state);
    const nothing = { ...whole, particles: [], cells: [] };
    const delta = renderDelta(state.version, nothing, []);
    await cache.publish({ from: state.version, pieces: nothing, delta, whole: () => whole });
    // A mark that was moved on meanwhile stays.
    await db('unpublished_fields').where('field_id', field).where('version', '<=', state.version).delete();
  }
  return marks.length;
}
