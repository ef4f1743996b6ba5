/**
 * Devices that follow the contract: they count their own updates, keep hybrid timestamps over a skewed wall clock, and
 * state truthfully which updates of other devices they have seen.
 */
import type { DeviceId } from '../../../../shared/field/ids.ts';
import type { Update } from '../../../../shared/field/update.ts';
import type { Change, SentUpdate } from './changes.ts';

/** How a device states what it has seen. The contract allows `nothing`, which only causes additional conflicts. */
export type CausalityFormat = 'clock' | 'seen' | 'both' | 'nothing';
export const causalityFormats: readonly CausalityFormat[] = ['clock', 'seen', 'both', 'nothing'];

/** An update, and for each device the last counter that the writing device had seen when it wrote the update. */
export interface Written extends SentUpdate {
  readonly known: ReadonlyMap<string, number>;
  readonly causalityFormat: CausalityFormat;
}

export interface HonestDevice {
  readonly id: DeviceId;
  readonly known: ReadonlyMap<string, number>;
  readonly newestTimestamp: number;
  write(change: Change, now: number, causalityFormat: CausalityFormat): Written;
  /** Adds everything that the other device has seen to what this device has seen. */
  learn(other: HonestDevice): void;
}

export function createHonestDevice(name: string, skewMs: number): HonestDevice {
  const id = name as DeviceId;
  const known = new Map<string, number>();
  let newestTimestamp = 0;
  let counter = 0;
  return {
    id,
    known,
    get newestTimestamp() {
      return newestTimestamp;
    },
    write(change, now, causalityFormat) {
      const written = { known: new Map(known), causalityFormat, device: id };
      counter += 1;
      newestTimestamp = Math.max(now + skewMs, newestTimestamp + 1);
      known.set(id, counter);
      return { ...written, update: { ...change, counter, timestamp: newestTimestamp, seen: 0 } as Update };
    },
    learn(other) {
      newestTimestamp = Math.max(newestTimestamp, other.newestTimestamp);
      for (const [device, count] of other.known) known.set(device, Math.max(count, known.get(device) ?? 0));
    },
  };
}

/** Adds the causality claims for a server with this log; a `seen` version is only valid for one server. */
export function encodeCausality(
  { device, update, known, causalityFormat }: Written,
  log: readonly SentUpdate[],
): SentUpdate {
  const clock = causalityFormat === 'clock' || causalityFormat === 'both' ? { clock: Object.fromEntries(known) } : {};
  const seen = causalityFormat === 'seen' || causalityFormat === 'both' ? toSeenVersion(known, log) : 0;
  return { device, update: { ...update, ...clock, seen } };
}

/** Returns the highest version up to which the device has seen every update of the log. */
function toSeenVersion(known: ReadonlyMap<string, number>, log: readonly SentUpdate[]): number {
  const unknown = log.findIndex(({ device, update }) => (known.get(device) ?? 0) < update.counter);
  return unknown === -1 ? log.length : unknown;
}
