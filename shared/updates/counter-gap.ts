/**
 * The limit on gaps between the counters of a device. Counters only increase, so a counter of 2^53 would leave the device none for
 * its next update.
 */

import { maxCounterGap } from '../contract/wire.ts';
import type { DeviceId, FieldId } from '../field/ids.ts';
import { createSparseCache } from '../process/sparse-cache.ts';

const maxDevices = 100_000;

/** A device in a field, which has its own counters in every field. */
export interface CounterOwner {
  readonly field: FieldId;
  readonly device: DeviceId;
}

export interface CounterGap {
  /** The index of the first counter that is too high. */
  readonly index: number;
  readonly counter: number;
  /** The last counter of the device. */
  readonly last: number;
}

/** Reads the highest counter of a device in the log; 0 for none. */
export type ReadLastCounter = (owner: CounterOwner) => Promise<number>;

/** Caches the accepted counters of recent devices, so that the log is read only if a counter is far above them. */
export class CounterGapDetector {
  readonly #readLastCounter: ReadLastCounter;
  readonly #lastAccepted = createSparseCache<string, number>({ maxEntries: maxDevices });

  constructor(readLastCounter: ReadLastCounter) {
    this.#readLastCounter = readLastCounter;
  }

  /** Resolves with the first gap that is too wide, or undefined. @throws what reading the log throws */
  async find(owner: CounterOwner, counters: readonly number[]): Promise<CounterGap | undefined> {
    const known = this.#lastAccepted.get(toKey(owner)) ?? 0;
    if (!findGap(counters, known)) return undefined;
    return findGap(counters, Math.max(known, await this.#readLastCounter(owner)));
  }

  recordAccepted(owner: CounterOwner, counter: number): void {
    const key = toKey(owner);
    this.#lastAccepted.set(key, Math.max(counter, this.#lastAccepted.get(key) ?? 0));
  }
}

function findGap(counters: readonly number[], last: number): CounterGap | undefined {
  const index = counters.findIndex((each) => each > last + maxCounterGap);
  const counter = counters[index];
  return counter === undefined ? undefined : { index, counter, last };
}

function toKey({ field, device }: CounterOwner): string {
  return `${field} ${device}`;
}
