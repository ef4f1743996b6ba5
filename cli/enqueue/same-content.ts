/**
 * Whether an update that was applied under a counter is the one at hand. The rule is the worker's, in
 * workers/apply-updates.ts: what is said of time and past may differ when an update is sent again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Update } from '../../shared/field/update.ts';

/** @param applied undefined when the log no longer has it: then it is taken for the same, as a worker would */
export function isSameContent(applied: Update | undefined, update: Update): boolean {
  return !applied || isDeepStrictEqual(contentOf(applied), contentOf(update));
}

function contentOf(update: Update): object {
  // As it would be read back: JSON has no -0.
  const { timestamp, seen, clock, ...content } = JSON.parse(JSON.stringify(update)) as Update;
  return content;
}
