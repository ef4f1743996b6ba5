/**
 * Deltas that arrive after the broadcaster has already reached their version. Their changes are known, but the outcomes
 * `duplicate`, `reused` and `expired` are not in the log, so a late delta is the only message from which clients can learn them.
 */
import type { DeltaUpdate } from '../../shared/contract/stream.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { Metrics } from '../../shared/field/dynamics/field-metrics.ts';
import { encodeMessage, type StreamMessage } from './stream-message.ts';

const unloggedOutcomes: ReadonlySet<DeltaUpdate['outcome']> = new Set(['duplicate', 'reused', 'expired']);

interface ParsedDelta {
  readonly maxTimestamp: number;
  readonly changes: { readonly metrics: Metrics };
  readonly updates: readonly DeltaUpdate[];
}

/** @param text the JSON of a delta message */
export function parseDelta(text: string): ParsedDelta {
  return JSON.parse(text) as ParsedDelta;
}

/**
 * A delta without changes, from `cursor` to itself, with the outcomes that only the late delta carries; undefined when
 * it carries none.
 * @param metrics the metrics at `cursor`
 */
export function toLateDelta(
  { updates, maxTimestamp }: ParsedDelta,
  cursor: Cursor,
  metrics: Metrics,
): StreamMessage | undefined {
  const unlogged = updates.filter(({ outcome }) => unloggedOutcomes.has(outcome));
  if (unlogged.length === 0) return undefined;
  return encodeMessage({
    type: 'delta',
    from: cursor,
    to: cursor,
    maxTimestamp,
    changes: { particles: {}, cells: {}, metrics },
    updates: unlogged,
  });
}
