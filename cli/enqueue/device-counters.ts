/**
 * The highest counters of the devices in the input: those in the log when a device first occurred, and those taken by this run.
 * An update with a higher counter cannot have been applied, so it needs no look-up in the log.
 */
import { maxCounterGap } from '../../shared/contract/wire.ts';
import type { DeviceId } from '../../shared/field/ids.ts';

type ReadLastCounters = (devices: readonly DeviceId[]) => Promise<ReadonlyMap<DeviceId, number>>;

export class DeviceCounters {
  readonly #read: ReadLastCounters;
  readonly #highest = new Map<DeviceId, number>();

  constructor(read: ReadLastCounters) {
    this.#read = read;
  }

  /** Reads the counters of devices that occur for the first time. */
  async load(devices: Iterable<DeviceId>): Promise<void> {
    const unknown = [...new Set(devices)].filter((device) => !this.#highest.has(device));
    if (unknown.length === 0) return;
    const found = await this.#read(unknown);
    for (const device of unknown) this.#highest.set(device, found.get(device) ?? 0);
  }

  /** Takes a counter of a loaded device. @returns whether it is new; a sentence if it is too far ahead */
  take(device: DeviceId, counter: number): boolean | string {
    const last = this.#highest.get(device) ?? 0;
    if (counter > last + maxCounterGap) {
      return `/counter: ${counter} is more than ${maxCounterGap} above the device's last, ${last}`;
    }
    if (counter <= last) return false;
    this.#highest.set(device, counter);
    return true;
  }
}
