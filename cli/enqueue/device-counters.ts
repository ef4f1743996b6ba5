/**
 * The highest counters of the devices in the input: those that the log had when a device was first met, and those that this run
 * has taken. An update with a higher counter cannot have been applied, so the log need not be asked for it.
 */
import type { DeviceId } from '../../shared/field/ids.ts';
import { maxCounterGap } from '../../shared/updates/counter-gap.ts';

type ReadLastCounters = (devices: readonly DeviceId[]) => Promise<ReadonlyMap<DeviceId, number>>;

export class DeviceCounters {
  readonly #read: ReadLastCounters;
  readonly #highest = new Map<DeviceId, number>();

  constructor(read: ReadLastCounters) {
    this.#read = read;
  }

  /** Reads the counters of devices that were not met before. */
  async load(devices: Iterable<DeviceId>): Promise<void> {
    const unknown = [...new Set(devices)].filter((device) => !this.#highest.has(device));
    if (unknown.length === 0) return;
    const found = await this.#read(unknown);
    for (const device of unknown) this.#highest.set(device, found.get(device) ?? 0);
  }

  /** Takes a counter of a device that is loaded. @returns whether it is new; a sentence if it is too far ahead */
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
