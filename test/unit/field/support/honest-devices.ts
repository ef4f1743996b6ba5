/**
 * Devices that keep the contract: own counters, hybrid timestamps over a skewed wall clock, and truthful knowledge of
 * each other's updates.
 */
import type { DeviceId } from '../../../../shared/field/ids.ts';
import type { Update } from '../../../../shared/field/update.ts';
import type { Change, SentUpdate } from './changes.ts';

/** How a device tells what it has seen; `nothing` is allowed too, and only costs conflicts. */
export type CausalityFormat = 'clock' | 'seen' | 'both' | 'nothing';
export const causalityFormats: readonly CausalityFormat[] = ['clock', 'seen', 'both', 'nothing'];

/** An update with what its device really knew when it wrote it: for each device, all counters up to this one. */
export interface Written extends SentUpdate {
  readonly known: ReadonlyMap<string, number>;
  readonly tells: CausalityFormat;
}

export interface HonestDevice {
  readonly id: DeviceId;
  readonly known: ReadonlyMap<string, number>;
  readonly newestTimestamp: number;
  write(change: Change, now: number, tells: CausalityFormat): Written;
  /** Takes over all that another device knows. */
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
    write(change, now, tells) {
      const written = { known: new Map(known), tells, device: id };
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

/** The update as it reaches a server with this log: versions, and so `seen`, mean something there only. */
export function encodeCausality({ device, update, known, tells }: Written, log: readonly SentUpdate[]): SentUpdate {
  const clock = tells === 'clock' || tells === 'both' ? { clock: Object.fromEntries(known) } : {};
  const seen = tells === 'seen' || tells === 'both' ? toSeenVersion(known, log) : 0;
  return { device, update: { ...update, ...clock, seen } };
}

/** The highest version up to which it knows everything. */
function toSeenVersion(known: ReadonlyMap<string, number>, log: readonly SentUpdate[]): number {
  const unknown = log.findIndex(({ device, update }) => (known.get(device) ?? 0) < update.counter);
  return unknown === -1 ? log.length : unknown;
}
