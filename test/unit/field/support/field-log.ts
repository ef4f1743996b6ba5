/** A field's log with its times and sweeps, and the ways to fold it: all at once, batched, with restarts between. */

import { toFragments } from '../../../../shared/cache/state-fragments.ts';
import { renderBody, serializeState } from '../../../../shared/cache/state-serializer.ts';
import { foldUpdate, purgeTombstones } from '../../../../shared/field/fold.ts';
import { globalField } from '../../../../shared/field/ids.ts';
import { emptyChangeSet } from '../../../../shared/field/merge-update.ts';
import { decodeSnapshot, encodeSnapshot, type FieldSnapshot } from '../../../../shared/field/snapshot.ts';
import { createFieldState, type FieldState } from '../../../../shared/field/state.ts';
import type { SentUpdate } from './changes.ts';

export interface LogEntry extends SentUpdate {
  readonly time: number;
  /** What was removed up to this version is forgotten right after this entry. */
  readonly sweepThrough?: number;
}

interface Folding {
  /** Before which entries the state goes through a stored snapshot. */
  readonly restartsBefore?: ReadonlySet<number>;
  /** Before which entries a new batch starts; without it, each entry is its own. */
  readonly batchesBefore?: ReadonlySet<number>;
}

export function foldLog(log: readonly LogEntry[], { restartsBefore, batchesBefore }: Folding = {}): FieldState {
  let state = createFieldState(globalField);
  let touched = emptyChangeSet();
  log.forEach(({ device, update, time, sweepThrough }, index) => {
    if (restartsBefore?.has(index)) state = throughStorage(state);
    if (!batchesBefore || batchesBefore.has(index)) touched = emptyChangeSet();
    foldUpdate(state, device, update, time, touched);
    if (sweepThrough !== undefined) purgeTombstones(state, sweepThrough);
  });
  return state;
}

/** A state as PostgreSQL would give it back from jsonb. */
export function throughStorage(state: FieldState): FieldState {
  return decodeSnapshot(globalField, asJsonb(encodeSnapshot(state)) as FieldSnapshot);
}

/** JSON as jsonb gives it back: the keys of every object sorted by length, then by bytes; no negative zero. */
export function asJsonb(value: unknown): unknown {
  return sortKeys(JSON.parse(JSON.stringify(value)), (a, b) => a.length - b.length || (a < b ? -1 : 1));
}

/** JSON whose keys come in the reverse order, wherever they stood: nothing may depend on the order of keys. */
export function withKeysReversed(value: unknown): unknown {
  return sortKeys(JSON.parse(JSON.stringify(value)), (a, b) => (a < b ? 1 : -1));
}

/** All of a state, registers and dynamics, as text that two equal states share. */
export function snapshotText(state: FieldState): string {
  return JSON.stringify(sortKeys(JSON.parse(JSON.stringify(encodeSnapshot(state))), (a, b) => (a < b ? -1 : 1)));
}

/** What a reader gets of a state, with and without particles and cells. */
export function renderedTexts(state: FieldState): { whole: string; summary: string } {
  const texts = serializeState(toFragments(state));
  return { whole: renderBody(texts.state, 3).toString(), summary: renderBody(texts.summary, 3).toString() };
}

function sortKeys(value: unknown, compare: (a: string, b: string) => number): unknown {
  if (Array.isArray(value)) return value.map((item) => sortKeys(item, compare));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => compare(a, b));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item, compare)]));
}
