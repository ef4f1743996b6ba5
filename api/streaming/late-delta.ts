/**
 * A delta that came when its changes were known already. The changes are of no use any more, but the device that sent a
 * duplicate, or used a counter again, learns of it only here.
 */
import type { DeltaUpdate } from '../../shared/contract/stream.ts';
import type { Metrics } from '../../shared/field/dynamics/metrics.ts';
import { encodeMessage, type StreamMessage } from './stream-message.ts';

interface ParsedDelta {
  readonly changes: { readonly metrics: Metrics };
  readonly updates: readonly DeltaUpdate[];
}

export function parseDeltaMetrics(text: string): Metrics {
  return (JSON.parse(text) as ParsedDelta).changes.metrics;
}

/** What is still news in it, as a delta that changes nothing at `version`; undefined when nothing is. */
export function toLateDelta(text: string, version: number, metrics: Metrics): StreamMessage | undefined {
  const updates = (JSON.parse(text) as ParsedDelta).updates.filter(
    ({ outcome }) => outcome === 'duplicate' || outcome === 'reused',
  );
  if (updates.length === 0) return undefined;
  const message = encodeMessage({
    type: 'delta',
    from: version,
    to: version,
    changes: { particles: {}, cells: {}, metrics },
    updates,
  });
  return message;
}
