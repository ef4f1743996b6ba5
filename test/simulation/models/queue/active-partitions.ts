/** The number of partitions that the queue's Redis stores, with its history: a failover returns to earlier ones. */
import type { PartitionCounts } from '../../../../shared/queue/partition-counts.ts';
import type { VirtualTime } from '../../kernel/virtual-time.ts';

export type { PartitionCounts };

export class ActivePartitionsModel {
  readonly #time: VirtualTime;
  readonly #history: { readonly at: number; readonly active: number }[] = [];

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** @param used the number of partitions that have had jobs */
  read(used: number): PartitionCounts {
    const active = this.#history.at(-1)?.active ?? used;
    return { all: Math.max(active, used), active };
  }

  /** @returns the number of partitions that may contain jobs */
  report(workers: number, mayLower: boolean, used: number): number {
    const stored = this.#history.at(-1)?.active;
    const active = mayLower ? workers : Math.max(workers, stored ?? used);
    if (active !== stored) this.#history.push({ at: this.#time.now, active });
    return Math.max(active, used);
  }

  revertTo(at: number): void {
    while ((this.#history.at(-1)?.at ?? 0) > at) this.#history.pop();
  }
}
