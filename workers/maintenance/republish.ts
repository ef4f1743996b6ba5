/** Publishes the commits that could not be published to the cache when they were made. */
import type { Knex } from 'knex';
import { listUnpublishedFields, unmarkPublished } from '../../db/models/unpublished-field.ts';
import { loadStoredState } from '../../db/read/load-state.ts';
import { inReadTransaction } from '../../db/read-transaction.ts';
import type { FieldCache } from '../../shared/cache/field-cache.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeDelta } from '../../shared/cache/state-serializer.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { FieldState } from '../../shared/field/state.ts';
import type { MaintenanceDeps } from '../worker-context.ts';

const maxFieldsPerRun = 1000;

/** What republishing needs of PostgreSQL: the simulation implements it in memory. */
export interface RepublishStore {
  /** The marked fields, and the newest version of each that was not published. */
  listUnpublished(limit: number): Promise<{ readonly field: FieldId; readonly version: number }[]>;
  loadState(field: FieldId): Promise<FieldState | undefined>;
  /** Removes the mark, unless a later version has been marked meanwhile. */
  unmark(field: FieldId, version: number): Promise<void>;
}

/** @returns how many fields were published. @throws when the cache is unavailable; the marks then stay */
export function republishFields({ db, cache }: MaintenanceDeps): Promise<number> {
  return republish(createRepublishStore(db), cache);
}

export async function republish(store: RepublishStore, cache: FieldCache): Promise<number> {
  const marks = await store.listUnpublished(maxFieldsPerRun);
  for (const { field, version } of marks) {
    const state = await store.loadState(field);
    if (state) await republishField(store, cache, state);
    // A failover may have lost the marked version, which is then above the field's and might never be reached.
    await store.unmark(field, Math.max(version, state?.version ?? 0));
  }
  return marks.length;
}

async function republishField(store: RepublishStore, cache: FieldCache, state: FieldState): Promise<void> {
  const { field } = state;
  const fragments = { ...toFragments(state), particles: [], cells: [] };
  const { cursor } = fragments;
  // Deletes a copy at any other cursor, and announces the field's current cursor to subscribers.
  const hasCopy = await cache.publish({ from: cursor, fragments, delta: serializeDelta(cursor, fragments, []) });
  if (hasCopy) return;
  const token = await cache.beginFill(field);
  const newest = await store.loadState(field);
  if (newest) await cache.fill(token, toFragments(newest));
}

function createRepublishStore(db: Knex): RepublishStore {
  return {
    listUnpublished: (limit) => listUnpublishedFields(db, limit),
    loadState: (field) => inReadTransaction(db, (trx) => loadStoredState(trx, field)),
    unmark: (field, version) => unmarkPublished(db, field, version),
  };
}
