/** Derives from a conflict which write won and which is this device's, and describes both. Pure. */
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

/** The particle or cell of a conflict, in words. */
export function describePlace({ cell }: Pick<PageConflict, 'cell'>): string {
  return cell.startsWith(particlePrefix) ? `particle ${truncate(cell.slice(particlePrefix.length))}` : `cell ${cell}`;
}

export interface ConflictSides {
  readonly winner: FieldConflict['local'];
  readonly loser: FieldConflict['local'];
  readonly isMerged: boolean;
}

/** In a merged conflict, the incoming write counts as the winner. */
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
