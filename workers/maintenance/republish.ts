/** Publishes the commits that could not be published to the cache when they were made. */
import { listUnpublishedFields, unmarkPublished } from '../../db/models/unpublished-field.ts';
import { loadStoredState } from '../../db/read/load-state.ts';
import { inReadTransaction } from '../../db/read-transaction.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeDelta } from '../../shared/cache/state-serializer.ts';
import type { MaintenanceDeps } from '../worker-context.ts';

const maxFieldsPerRun = 1000;

/** @returns how many fields were published. @throws when the cache is unavailable; the marks then stay */
export async function republishFields({ db, cache }: MaintenanceDeps): Promise<number> {
  const fields = await listUnpublishedFields(db, maxFieldsPerRun);
  for (const field of fields) {
    const readState = () => inReadTransaction(db, (trx) => loadStoredState(trx, field));
    const state = await readState();
    if (!state) continue;
    const fragments = { ...toFragments(state), particles: [], cells: [] };
    const { cursor } = fragments;
    // Deletes a copy at any other cursor, and tells subscribers where the field stands.
    const hasCopy = await cache.publish({ from: cursor, fragments, delta: serializeDelta(cursor, fragments, []) });
    if (!hasCopy) {
      const token = await cache.beginFill(field);
      const newest = await readState();
      if (newest) await cache.fill(token, toFragments(newest));
    }
    await unmarkPublished(db, field, state.version);
  }
  return fields.length;
}
