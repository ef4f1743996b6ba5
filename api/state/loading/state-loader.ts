/** Loads states from PostgreSQL and renders them: for a field of megabytes, work of tens of milliseconds. */
import type { FieldReader } from '../../../db/read/field-reader.ts';
import { toFragments } from '../../../shared/cache/state-fragments.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { TimeSlice } from '../../validation/time-slice.ts';
import { type LoadedState, toLoadedState } from './loaded-state.ts';

export interface StateLoader {
  /** The current state; undefined when the field does not exist. */
  load(field: FieldId): Promise<LoadedState | undefined>;
  /**
   * The state at a version, folded from an archived snapshot and the log after it.
   * @throws FieldError `replay_too_large`, `field_not_found`, `version_not_kept`, `version_ahead` or `erased`
   */
  loadAt(field: FieldId, version: number): Promise<LoadedState>;
}

/** Between two archived snapshots there are 5,000 updates by default. */
export const maxUpdates = 20_000;
/** Workers archive a snapshot after about 8 MiB of updates. Logs of earlier releases may have more without one. */
export const maxStoredBytes = 32 * 1024 * 1024;

/** Loads and renders in the calling thread. */
export function createStateLoader(reader: Pick<FieldReader, 'loadState' | 'loadStateAt'>): StateLoader {
  return {
    async load(field) {
      const state = await reader.loadState(field);
      return state && toLoadedState(toFragments(state));
    },
    async loadAt(field, version) {
      const slice = new TimeSlice();
      const onEntry = () => slice.yieldIfUsedUp();
      return toLoadedState(toFragments(await reader.loadStateAt(field, version, { checkCost: assertCost, onEntry })));
    },
  };
}

function assertCost({ updates, storedBytes }: { readonly updates: number; readonly storedBytes: number }): void {
  if (updates > maxUpdates || storedBytes > maxStoredBytes) throw new FieldError('replay_too_large');
}
