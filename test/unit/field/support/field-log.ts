/** Folds the log of a field in one pass, in batches or with restarts, and renders the state as comparable text. */
import { toFragments } from '../../../../shared/cache/state-fragments.ts';
import { serializeState } from '../../../../shared/cache/state-serializer.ts';
import { foldUpdate, purgeTombstones } from '../../../../shared/field/fold.ts';
import { globalField } from '../../../../shared/field/ids.ts';
import { emptyChangeSet } from '../../../../shared/field/merge-update.ts';
import { decodeSnapshot, encodeSnapshot, type FieldSnapshot } from '../../../../shared/field/snapshot.ts';
import { createFieldState, type FieldState } from '../../../../shared/field/state.ts';
import type { SentUpdate } from './changes.ts';

export interface LogEntry extends SentUpdate {
  readonly time: number;
  /** Tombstones up to this version are purged directly after this entry. */
  readonly sweepThrough?: number;
}

interface FoldOptions {
  /** The indexes of the entries before which the state is stored as a snapshot and read back. */
  readonly restartsBefore?: ReadonlySet<number>;
  /** The indexes of the entries that start a batch; by default, each entry is a batch of its own. */
  readonly batchesBefore?: ReadonlySet<number>;
}

export function foldLog(log: readonly LogEntry[], { restartsBefore, batchesBefore }: FoldOptions = {}): FieldState {
  let state = createFieldState(globalField);
  let changeSet = emptyChangeSet();
  log.forEach(({ device, update, time, sweepThrough }, index) => {
    if (restartsBefore?.has(index)) state = throughStorage(state);
    if (!batchesBefore || batchesBefore.has(index)) changeSet = emptyChangeSet();
    foldUpdate(state, device, update, time, changeSet);
    if (sweepThrough !== undefined) purgeTombstones(state, sweepThrough);
  });
  return state;
}

/** Returns the state as PostgreSQL would read it back from a stored snapshot. */
export function throughStorage(state: FieldState): FieldState {
  return decodeSnapshot(globalField, asJsonb(encodeSnapshot(state)) as FieldSnapshot);
}

/** Returns JSON as PostgreSQL's jsonb does: without negative zero, and with keys sorted by length, then by bytes. */
export function asJsonb(value: unknown): unknown {
  return sortKeys(JSON.parse(JSON.stringify(value)), (a, b) => a.length - b.length || (a < b ? -1 : 1));
}

/** Returns JSON with the keys of every object in reverse order, because nothing may depend on that order. */
export function withKeysReversed(value: unknown): unknown {
  return sortKeys(JSON.parse(JSON.stringify(value)), (a, b) => (a < b ? 1 : -1));
}

/** Returns the registers and dynamics of a state as text that is identical for equal states. */
export function snapshotText(state: FieldState): string {
  return canonicalText(encodeSnapshot(state));
}

/** Returns JSON with sorted keys, which is identical for equal values. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(sortKeys(JSON.parse(JSON.stringify(value)), (a, b) => (a < b ? -1 : 1)));
}

/** Returns the response body for a state. */
export function renderedText(state: FieldState): string {
  return serializeState(toFragments(state)).toString();
}

function sortKeys(value: unknown, compare: (a: string, b: string) => number): unknown {
  if (Array.isArray(value)) return value.map((item) => sortKeys(item, compare));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => compare(a, b));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item, compare)]));
}
