/** The causal order of writes (happens-before), derived from `seen` and the vector clock of an update. */
import type { DeviceId } from '../ids.ts';
import type { Stamp } from './stamp.ts';

/** The part of an update that the merge of a register needs. */
export interface Write {
  readonly device: DeviceId;
  readonly counter: number;
  readonly timestamp: number;
  readonly seen: number;
  readonly clock?: Readonly<Record<string, number>>;
  /** The version that is assigned to the update. */
  readonly version: number;
}

export type CausalOrder = 'after' | 'superseded' | 'concurrent';

/**
 * Orders a write relative to an earlier applied write of the same register.
 *
 * Writes of one device are ordered only by its counters, regardless of `seen` and `clock`. Claims about other devices need no
 * validation: they are only compared with writes that have been applied and are not stored, so a claim that exceeds the field's
 * version has the same effect as that version.
 */
export function compareCausally(write: Write, earlier: Stamp): CausalOrder {
  if (write.device === earlier.device) return write.counter > earlier.counter ? 'after' : 'superseded';
  if (write.seen >= earlier.version) return 'after';
  const { clock } = write;
  if (clock && Object.hasOwn(clock, earlier.device) && (clock[earlier.device] ?? 0) >= earlier.counter) return 'after';
  return 'concurrent';
}

/** The stamp of a register after a write: greater than the stamp of a causally earlier write that it replaces. */
export function createStamp(write: Write, replaced?: Stamp): Stamp {
  const { device, counter, version } = write;
  const timestamp = replaced ? Math.max(write.timestamp, replaced.timestamp + 1) : write.timestamp;
  return { timestamp, device, counter, version };
}
