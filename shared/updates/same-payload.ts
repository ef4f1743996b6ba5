/** Distinguishes an update that was sent twice from another one that reuses its counter. */
import { isDeepStrictEqual } from 'node:util';
import type { SentUpdate } from '../field/update.ts';

/**
 * Compares the content of two updates. Timestamps and causal metadata may differ if one is a resend: a timestamp may be lowered to
 * another value each time.
 */
export function isSamePayload(applied: SentUpdate, update: SentUpdate): boolean {
  return isDeepStrictEqual(extractPayload(applied), extractPayload(update));
}

function extractPayload(update: SentUpdate): object {
  // Normalized as PostgreSQL returns it: JSON has no -0.
  const { timestamp, seen, clock, ...payload } = JSON.parse(JSON.stringify(update)) as SentUpdate;
  return payload;
}
