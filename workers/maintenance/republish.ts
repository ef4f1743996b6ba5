/** Tells the cache of commits that it missed while it was away. */

import { loadStoredState } from '../../db/read/load-state.ts';
import { inReadTransaction } from '../../db/read-transaction.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeDelta } from '../../shared/cache/state-serializer.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { MaintenanceDeps } from '../worker-context.ts';

const maxFieldsPerRun = 1000;

/** @returns how many fields were published. @throws when the cache is still away: the marks stay. */
export async function republishFields({ db, cache }: MaintenanceDeps): Promise<number> {
  const marks: { field_id: FieldId }[] = await db('unpublished_fields').select('field_id').limit(maxFieldsPerRun);
  for (const { field_id: field } of marks) {
    const state = await inReadTransaction(db, (trx) => loadStoredState(trx, field));
    if (!state) continue;
    const whole = toFragments(state);
    const nothing = { ...whole, particles: [], cells: [] };
    const delta = serializeDelta(state.version, nothing, []);
    await cache.publish({ from: state.version, fragments: nothing, delta, fullState: () => whole });
    // A mark that was moved on meanwhile stays.
    await db('unpublished_fields').where('field_id', field).where('version', '<=', state.version).delete();
  }
  return marks.length;
}
