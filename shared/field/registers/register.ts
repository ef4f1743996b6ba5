/** A register: one value with the stamp of its last write, and the rule that merges a write into it. */
import { relate, stampOf, type Write } from './causality.ts';
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
export type Verdict = 'written' | 'superseded' | 'agreed' | 'won' | 'lost';

export interface Merged<T> {
  readonly register: Register<T>;
  readonly verdict: Verdict;
}

/** Last writer wins among concurrent writes; a write that has seen the current one always replaces it. */
export function mergeRegister<T>(
  current: Register<T> | undefined,
  value: T,
  write: Write,
  equal: (a: T, b: T) => boolean = Object.is,
): Merged<T> {
  if (!current) return { register: { value, stamp: stampOf(write) }, verdict: 'written' };
  switch (relate(write, current.stamp)) {
    case 'after':
      return { register: { value, stamp: stampOf(write, current.stamp) }, verdict: 'written' };
    case 'superseded':
      return { register: current, verdict: 'superseded' };
    case 'concurrent': {
      const stamp = stampOf(write);
      const isNewer = compareStamps(stamp, current.stamp) > 0;
      const register = isNewer ? { value, stamp } : current;
      if (equal(value, current.value)) return { register, verdict: 'agreed' };
      return { register, verdict: isNewer ? 'won' : 'lost' };
    }
  }
}
