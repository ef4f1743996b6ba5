/** Tells an update that was sent twice from another one that reuses its counter. */
import { isDeepStrictEqual } from 'node:util';
import type { Update } from '../field/update.ts';

/**
 * Compares what two updates change. Their timestamps and causal metadata may differ if one is a resend: a timestamp may be
 * lowered to another value each time.
 * @param applied undefined if the log no longer has the update, which then counts as the same
 */
export function isSamePayload(applied: Update | undefined, update: Update): boolean {
  return !applied || isDeepStrictEqual(extractPayload(applied), extractPayload(update));
}

function extractPayload(update: Update): object {
  // Normalized as PostgreSQL returns it: JSON has no -0.
  const { timestamp, seen, clock, ...payload } = JSON.parse(JSON.stringify(update)) as Update;
  return payload;
}
