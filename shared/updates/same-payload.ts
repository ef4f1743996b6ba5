/** Whether an update that was applied under a counter is the one at hand: sent again, or the counter used twice. */
import { isDeepStrictEqual } from 'node:util';
import type { Update } from '../field/update.ts';

/**
 * Compares what the updates do. What they say of time and past may differ when one is sent again: the door may bring a
 * timestamp down to another value each time.
 * @param applied undefined when the log no longer has it: then it is taken for the same
 */
export function isSamePayload(applied: Update | undefined, update: Update): boolean {
  return !applied || isDeepStrictEqual(extractPayload(applied), extractPayload(update));
}

function extractPayload(update: Update): object {
  // As it would be read back: JSON has no -0.
  const { timestamp, seen, clock, ...payload } = JSON.parse(JSON.stringify(update)) as Update;
  return payload;
}
