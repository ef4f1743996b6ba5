/**
 * Rejects counters too far above their device's last one, as the API does: after a counter near 2^53, a device could not
 * send any update that is newer.
 */
import { LRUCache } from 'lru-cache';
import type { DeviceId } from '../../shared/field/ids.ts';
import { maxCounterGap } from '../../shared/updates/clamp-timestamps.ts';

const maxDevices = 100_000;

/** The reason why a counter is rejected, or undefined. */
export type CheckCounterGap = (device: DeviceId, counter: number) => Promise<string | undefined>;

/** @param readLast reads the device's highest counter in the field; called only for a gap above all counters seen in this run */
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
