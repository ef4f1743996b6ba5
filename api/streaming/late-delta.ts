/**
 * Deltas that arrive after the broadcaster has already reached their version. Their changes are known, but the outcomes
 * `duplicate`, `reused` and `expired` are not in the log, so a late delta is the only message that carries them to clients.
 */
import type { DeltaUpdate } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { Metrics } from '../../shared/field/dynamics/field-metrics.ts';
import { encodeMessage, type StreamMessage } from './stream-message.ts';

const unloggedOutcomes: ReadonlySet<DeltaUpdate['outcome']> = new Set(['duplicate', 'reused', 'expired']);

/** What every delta states of the state that it leads to. */
export interface StateTotals {
  readonly metrics: Metrics;
  readonly maxTimestamp: number;
}

/** A delta as workers publish it. */
interface PublishedDelta {
  readonly maxTimestamp: number;
  readonly changes: { readonly metrics: Metrics };
  readonly updates: readonly DeltaUpdate[];
}

interface DeltaOutcomes {
  readonly totals: StateTotals;
  readonly updates: readonly DeltaUpdate[];
}

/** @param text the JSON of a delta message */
export function parseDeltaOutcomes(text: string): DeltaOutcomes {
  const { maxTimestamp, changes, updates } = JSON.parse(text) as PublishedDelta;
  return { totals: { metrics: changes.metrics, maxTimestamp }, updates };
}

/**
 * A delta without changes, from `cursor` to itself, with the outcomes that only the late delta carries; undefined when
 * it carries none.
 * @param totals of the state at `cursor`, which is newer than the one that the late delta led to
 */
export function toLateDelta(
  { updates }: Pick<DeltaOutcomes, 'updates'>,
  cursor: Cursor,
  { metrics, maxTimestamp }: StateTotals,
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
