/** Refuses counters too far above their device's last, as the door of the API does: one of 2^53 would wedge a device. */
import { LRUCache } from 'lru-cache';
import type { DeviceId } from '../../shared/field/ids.ts';
import { maxCounterGap } from '../../shared/updates/clamp-timestamps.ts';

const maxDevices = 100_000;

/** Why a counter is refused; undefined when it is not. */
export type CheckCounterGap = (device: DeviceId, counter: number) => Promise<string | undefined>;

/** @param readLast the device's highest counter in the field; only asked for a leap above all that was seen here */
export function createCounterGapCheck(readLast: (device: DeviceId) => Promise<number>): CheckCounterGap {
  const highest = new LRUCache<DeviceId, number>({ max: maxDevices });
  return async (device, counter) => {
    let last = highest.get(device) ?? 0;
    if (counter > last + maxCounterGap) last = Math.max(last, await readLast(device));
    if (counter > last + maxCounterGap) {
      return `/counter: ${counter} is more than ${maxCounterGap} above the device's last, ${last}`;
    }
    highest.set(device, Math.max(last, counter));
    return undefined;
  };
}
