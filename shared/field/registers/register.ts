/** A register: one value with the stamp of its last write, and the rule that merges a write into it. */
import { compareCausally, createStamp, type Write } from './causality.ts';
import { compareStamps, type Stamp } from './stamp.ts';

export interface Register<T> {
  readonly value: T;
  readonly stamp: Stamp;
}

/**
 * What became of a write.
 * - `written`: it was the first, or knew of the value that it replaced
 * - `superseded`: the same device has written later; nothing changed
 * - `agreed`: concurrent, with an equal value; no conflict
 * - `won`, `lost`: concurrent, with another value; a conflict
 */
export type WriteResult = 'written' | 'superseded' | 'agreed' | 'won' | 'lost';

export interface MergedRegister<T> {
  readonly register: Register<T>;
  readonly result: WriteResult;
}

/** Last writer wins among concurrent writes; a write that has seen the current one always replaces it. */
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
