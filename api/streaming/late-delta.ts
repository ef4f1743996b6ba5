/**
 * Deltas that arrive after the broadcaster has already reached their version. Their changes are known, but the outcomes
 * `duplicate` and `reused` are not in the log, so a late delta is the only message from which clients can learn them.
 */
import type { DeltaUpdate } from '../../shared/contract/stream.ts';
import type { Metrics } from '../../shared/field/dynamics/field-metrics.ts';
import { encodeMessage, type StreamMessage } from './stream-message.ts';

interface ParsedDelta {
  readonly changes: { readonly metrics: Metrics };
  readonly updates: readonly DeltaUpdate[];
}

/** @param text the JSON of a delta message */
export function parseDelta(text: string): ParsedDelta {
  return JSON.parse(text) as ParsedDelta;
}

/**
 * A delta without changes, from `version` to itself, with the outcomes that only the late delta carries; undefined when
 * it carries none.
 * @param metrics the metrics at `version`
 */
export function toLateDelta({ updates }: ParsedDelta, version: number, metrics: Metrics): StreamMessage | undefined {
  const unlogged = updates.filter(({ outcome }) => outcome === 'duplicate' || outcome === 'reused');
  if (unlogged.length === 0) return undefined;
  return encodeMessage({
    type: 'delta',
    from: version,
    to: version,
    changes: { particles: {}, cells: {}, metrics },
    updates: unlogged,
  });
}
