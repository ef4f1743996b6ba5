/**
 * Decides which worker should read which partitions. A pure function of data that all workers can read, so that they agree
 * without communicating. A leased partition moves only if another worker would otherwise have too few.
 */
import type { LeaseHolder } from '../../db/leases/lease-holders.ts';

interface LeasePlan {
  /** Partitions to lease: this worker should read them, and nobody does. */
  readonly acquire: readonly number[];
  /** Partitions to keep reading: this worker should read them, and has leased them. */
  readonly keep: readonly number[];
  /** Partitions to release: another worker should read them. */
  readonly release: readonly number[];
}

export interface LeaseView {
  /** The worker that plans, which is one of the holders. */
  readonly self: number;
  readonly holders: readonly LeaseHolder[];
  /** The number of partitions that may contain jobs. */
  readonly partitions: number;
}

export function planLeases({ self, holders, partitions }: LeaseView): LeasePlan {
  const held = holders.find(({ id }) => id === self)?.partitions ?? [];
  const assigned = assignPartitions(holders, partitions).get(self) ?? [];
  const isLeased = (partition: number) => holders.some((holder) => holder.partitions.includes(partition));
  return {
    acquire: assigned.filter((partition) => !isLeased(partition)),
    keep: assigned.filter((partition) => held.includes(partition)),
    release: held.filter((partition) => !assigned.includes(partition)),
  };
}

/**
 * Gives every worker the same number of partitions, or one more. A silent worker gets no new ones, because nobody could read them
 * until its session ends. New jobs go to the first partitions, one for each worker. The others, which are only being drained, are
 * distributed separately, so that no worker gets only those.
 */
export function assignPartitions(holders: readonly LeaseHolder[], partitions: number): Map<number, number[]> {
  const assigned = new Map<number, number[]>(holders.map(({ id }) => [id, []]));
  const active = Math.min(holders.length, partitions);
  distribute(range(0, active), holders, assigned);
  distribute(range(active, partitions), holders, assigned);
  return assigned;
}

/** The workers that hold the most get the remainder, so that as few partitions as possible move. Ids break ties. */
function distribute(all: readonly number[], holders: readonly LeaseHolder[], assigned: Map<number, number[]>): void {
  const silent = holders.filter(({ isSilent }) => isSilent);
  const fairSize = Math.ceil(all.length / holders.length);
  for (const { id, partitions } of silent)
    assigned.get(id)?.push(...all.filter((partition) => partitions.includes(partition)).slice(0, fairSize));
  const taken = new Set(silent.flatMap(({ id }) => assigned.get(id) ?? []));
  const group = all.filter((partition) => !taken.has(partition));
  const heard = holders.filter(({ isSilent }) => !isSilent);
  const shares = heard
    .map(({ id, partitions }) => ({ id, held: group.filter((partition) => partitions.includes(partition)) }))
    .sort((a, b) => b.held.length - a.held.length || a.id - b.id)
    .map(({ id, held }, rank) => {
      const size = Math.floor(group.length / heard.length) + (rank < group.length % heard.length ? 1 : 0);
      return { id, size, kept: held.slice(0, size) };
    });
  const kept = new Set(shares.flatMap((share) => share.kept));
  const free = group.filter((partition) => !kept.has(partition));
  for (const share of shares) {
    assigned.get(share.id)?.push(...share.kept, ...free.splice(0, share.size - share.kept.length));
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
