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
    const state = await inReadTransaction(db, (trx) => loadStoredState(trx, field));
    if (!state) continue;
    const fullState = toFragments(state);
    const noChanges = { ...fullState, particles: [], cells: [] };
    const delta = serializeDelta(state.version, noChanges, []);
    await cache.publish({ from: state.version, fragments: noChanges, delta, fullState: () => fullState });
    await unmarkPublished(db, field, state.version);
  }
  return fields.length;
}
