/** Keeps the latest conflicts, with the side of each that this device wrote. */
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import type { Conflict, Resolution } from '../../shared/field/registers/conflict-record.ts';
import type { FieldConflict } from '../types.ts';

function toWinner(resolution: Resolution): FieldConflict['winner'] {
  if (resolution === 'merged') return 'both';
  return resolution === 'kept_local' ? 'local' : 'remote';
}

export class ConflictHistory {
  #conflicts: readonly FieldConflict[] = [];

  /** The newest first. A new array for every change. */
  get all(): readonly FieldConflict[] {
    return this.#conflicts;
  }

  add(conflict: Conflict, device: string | undefined): FieldConflict {
    const { local, remote, resolution } = conflict;
    const own = remote.device === device ? 'remote' : local.device === device ? 'local' : undefined;
    const added = { ...conflict, winner: toWinner(resolution), own } as const;
    this.#conflicts = [added, ...this.#conflicts].slice(0, maxKeptConflicts);
    return added;
  }
}
