/** What a conflict says about its two writes: who won, and which of them is this device's. Pure. */
import type { FieldConflict } from '../../client/types.ts';
import { formatValue, truncate } from '../format.ts';
import type { PageConflict } from './conflict-counter.ts';

const particlePrefix = 'particle/';

/** Completes a conflict that was read from the API. */
export function toFieldConflict(conflict: PageConflict, device: string | undefined): FieldConflict {
  const { local, remote, resolution } = conflict;
  const own = local.device === device ? 'local' : remote.device === device ? 'remote' : undefined;
  const winner = resolution === 'kept_local' ? 'local' : resolution === 'used_remote' ? 'remote' : 'both';
  return { ...conflict, own, winner };
}

/** The particle or cell of a conflict, as a target for a ripple. */
export function toRippleTarget({
  cell,
}: Pick<PageConflict, 'cell'>): { readonly particle: string } | { readonly cell: string } {
  return cell.startsWith(particlePrefix) ? { particle: cell.slice(particlePrefix.length) } : { cell };
}

/** What the conflict is about, in words. */
export function describePlace({ cell }: Pick<PageConflict, 'cell'>): string {
  return cell.startsWith(particlePrefix) ? `particle ${truncate(cell.slice(particlePrefix.length))}` : `cell ${cell}`;
}

export interface ConflictSides {
  readonly winner: FieldConflict['local'];
  readonly loser: FieldConflict['local'];
  readonly isMerged: boolean;
}

/** Of a merged conflict, the write that arrived counts as the winner. */
export function sidesOf({ local, remote, winner }: FieldConflict): ConflictSides {
  const isLocal = winner === 'local';
  return { winner: isLocal ? local : remote, loser: isLocal ? remote : local, isMerged: winner === 'both' };
}

/** Whether this device has lost a value that it can write again. */
export function hasLost({ own, winner }: FieldConflict): boolean {
  return own !== undefined && winner !== own;
}

export function describeWrite({ value }: FieldConflict['local']): string {
  return formatValue(value);
}
