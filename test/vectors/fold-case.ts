/** One case of the fold: a log, and what it results in. */
import { computeMetrics } from '../../shared/field/dynamics/field-metrics.ts';
import { type FoldResult, foldUpdate, purgeTombstones } from '../../shared/field/fold.ts';
import { globalField } from '../../shared/field/ids.ts';
import { emptyChangeSet } from '../../shared/field/merge-update.ts';
import { encodeSnapshot } from '../../shared/field/snapshot.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import type { Update } from '../../shared/field/update.ts';
import type { Change, Claims } from '../unit/field/support/changes.ts';
import { sent } from '../unit/field/support/changes.ts';
import type { LogEntry } from '../unit/field/support/field-log.ts';

/** An entry, or several that differ in `{n}` (from 0), which is also added to counter, timestamp and time. */
export interface LogLine extends LogEntry {
  readonly repeat?: number;
  /** How often the content is repeated. */
  readonly times?: number;
}

/** What an update is stamped with: counter and timestamp. */
type Stamped = readonly [counter: number, timestamp: number];

/** An entry whose log time is its timestamp. */
export function line(device: string, stamped: Stamped, change: Change, claims: Claims = {}): LogLine {
  return { ...sent(device, stamped, change, claims), time: stamped[1] };
}

function expandLog(lines: readonly LogLine[]): LogEntry[] {
  return lines.flatMap(({ repeat = 1, times = 1, ...entry }) =>
    Array.from({ length: repeat }, (_, n) => ({
      ...entry,
      time: entry.time + n,
      update: expandUpdate(entry.update, n, times),
    })),
  );
}

function expandUpdate(update: Update, n: number, times: number): Update {
  const { counter, timestamp } = update;
  const expanded = { ...update, counter: counter + n, timestamp: timestamp + n };
  if (expanded.kind !== 'particle.put') return expanded;
  const { id, content } = expanded;
  return {
    ...expanded,
    id: id.replace('{n}', String(n)),
    ...(content === undefined ? {} : { content: content.repeat(times) }),
  };
}

export interface Fold {
  readonly state: FieldState;
  readonly results: readonly FoldResult[];
  /** The metrics and quantum fields after each update. */
  readonly gauges: readonly object[];
}

export function foldLines(lines: readonly LogLine[]): Fold {
  const state = createFieldState(globalField);
  const gauges: object[] = [];
  // As JSON, which has no -0 and no undefined.
  const log = JSON.parse(JSON.stringify(expandLog(lines))) as LogEntry[];
  const results = log.map(({ device, update, time, sweepThrough }) => {
    const result = foldUpdate(state, device, update, time, emptyChangeSet());
    if (sweepThrough !== undefined) purgeTombstones(state, sweepThrough);
    gauges.push({ metrics: computeMetrics(state), quantumFields: state.quantumFields });
    return result;
  });
  return { state, results, gauges };
}

/** A case with the outcome of each update, and the registers at the end. */
export function describeMerge(name: string, log: readonly LogLine[]): object {
  const { state, results } = foldLines(log);
  const { particles, cells } = encodeSnapshot(state);
  const { maxTimestamp } = state.dynamics;
  return { name, log, results: results.map(describeResult), state: { particles, cells, maxTimestamp } };
}

/** The same with the whole state. */
export function describeFold(name: string, log: readonly LogLine[]): object {
  const { state, results } = foldLines(log);
  const { hash: _, ...snapshot } = encodeSnapshot(state);
  return { name, log, results: results.map(describeResult), state: { ...snapshot, metrics: computeMetrics(state) } };
}

export function describeResult({ outcome, resolution, conflicts }: FoldResult): object {
  return { outcome, ...(resolution ? { resolution, conflicts } : {}) };
}
