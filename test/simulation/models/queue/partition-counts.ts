/** The numbers of partitions that the queue's Redis stores, with their history: a failover returns to earlier ones. */
import type { PartitionCounts } from '../../../../shared/queue/partition-counts.ts';
import type { VirtualTime } from '../../kernel/virtual-time.ts';

export type { PartitionCounts };

export class PartitionCountsModel {
  readonly #time: VirtualTime;
  readonly #history: { readonly at: number; readonly counts: PartitionCounts }[];

  constructor(time: VirtualTime) {
    this.#time = time;
    this.#history = [{ at: time.now, counts: { all: 1, active: 1 } }];
  }

  get current(): PartitionCounts {
    return this.#history.at(-1)?.counts ?? { all: 1, active: 1 };
  }

  /** @returns the number of partitions that may contain jobs */
  report(workers: number, mayLower: boolean): number {
    const { all, active } = this.current;
    const counts = { all: Math.max(all, workers), active: mayLower ? workers : Math.max(active, workers) };
    if (counts.all !== all || counts.active !== active) this.#history.push({ at: this.#time.now, counts });
    return counts.all;
  }

  revertTo(at: number): void {
    while (this.#history.length > 1 && (this.#history.at(-1)?.at ?? 0) > at) this.#history.pop();
  }
}
