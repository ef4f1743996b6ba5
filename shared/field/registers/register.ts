/** A last-writer-wins register: a value, the stamp of its last write, and the rule by which a write is merged. */
import { compareCausally, createStamp, type Write } from './causality.ts';
import { compareStamps, type Stamp } from './stamp.ts';

export interface Register<T> {
  readonly value: T;
  readonly stamp: Stamp;
}

/**
 * The result of a write.
 * - `written`: the first write, or causally after the value that it replaces
 * - `superseded`: the same device has already made a later write; nothing changes
 * - `agreed`: concurrent with an equal value; no conflict
 * - `won`, `lost`: concurrent with a different value; a conflict
 */
export type WriteResult = 'written' | 'superseded' | 'agreed' | 'won' | 'lost';

export interface MergedRegister<T> {
  readonly register: Register<T>;
  readonly result: WriteResult;
}

/** Replaces the value if the write is causally after the current one, or if it is concurrent and has the greater stamp. */
export function mergeRegister<T>(
  current: Register<T> | undefined,
  value: T,
  write: Write,
  isEqual: (a: T, b: T) => boolean = Object.is,
): MergedRegister<T> {
  if (!current) return { register: { value, stamp: createStamp(write) }, result: 'written' };
  switch (compareCausally(write, current.stamp)) {
    case 'after':
      return { register: { value, stamp: createStamp(write, current.stamp) }, result: 'written' };
    case 'superseded':
      return { register: current, result: 'superseded' };
    case 'concurrent': {
      const stamp = createStamp(write);
      const isNewer = compareStamps(stamp, current.stamp) > 0;
      const register = isNewer ? { value, stamp } : current;
      if (isEqual(value, current.value)) return { register, result: 'agreed' };
      return { register, result: isNewer ? 'won' : 'lost' };
    }
  }
}
