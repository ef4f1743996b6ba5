/** What an update knew of when it was made: the causal order, from `seen` and the vector clock. */
import type { DeviceId } from '../ids.ts';
import type { Stamp } from './stamp.ts';

/** One update as a writer of registers. */
export interface Write {
  readonly device: DeviceId;
  readonly counter: number;
  readonly timestamp: number;
  readonly seen: number;
  readonly clock?: Readonly<Record<string, number>>;
  /** The version that this update gets. */
  readonly version: number;
}

export type CausalOrder = 'after' | 'superseded' | 'concurrent';

/**
 * How a write stands to an earlier applied one of the same register.
 *
 * A device's own counters decide among its own writes, whatever it claims to have seen. Claims about others need no
 * clamp to what the field has applied: they are only ever compared with writes that it has applied, so a claim to have
 * seen the future says no more than "all that is here", and is not kept for later.
 */
export function compareCausally(write: Write, earlier: Stamp): CausalOrder {
  if (write.device === earlier.device) return write.counter > earlier.counter ? 'after' : 'superseded';
  if (write.seen >= earlier.version) return 'after';
  const { clock } = write;
  if (clock && Object.hasOwn(clock, earlier.device) && (clock[earlier.device] ?? 0) >= earlier.counter) return 'after';
  return 'concurrent';
}

/** The stamp that `write` leaves on a register, above the stamp of the write that it replaces knowingly. */
export function createStamp(write: Write, replaced?: Stamp): Stamp {
  const { device, counter, version } = write;
  const timestamp = replaced ? Math.max(write.timestamp, replaced.timestamp + 1) : write.timestamp;
  return { timestamp, device, counter, version };
}
