/** Checks the log of a field: that it is complete, chained and honest about time, and that it leads to what is stored. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { maxKeptConflicts } from '../../../shared/contract/wire.ts';
import { replayUpdate } from '../../../shared/field/replay.ts';
import { encodeSnapshot } from '../../../shared/field/snapshot.ts';
import { createFieldState, type FieldState } from '../../../shared/field/state.ts';
import { registersOf } from '../../unit/field/support/registers.ts';
import { type FieldRow, readState, type StoredEntry } from '../models/postgres/field-row.ts';
import { Oracle } from './oracle.ts';

const maxLogTimeAheadMs = 5000;

/** The fold of the whole log, and what is wrong with it. */
export interface CheckedLog {
  readonly state: FieldState;
  readonly violations: readonly string[];
}

export function checkLog(row: FieldRow): CheckedLog {
  const violations: string[] = [];
  const report = (text: string) => violations.push(`${row.field}: ${text}`);
  const state = Object.assign(createFieldState(row.field), { hash: row.genesisHash });
  const oracle = new Oracle();
  const used = new Set<string>();
  let [hash, time] = [row.genesisHash, 0];
  for (const [index, entry] of row.entries.entries()) {
    const what = `version ${index + 1}`;
    if (entry.version !== index + 1) report(`${what} is missing: the log has ${entry.version} there`);
    if (entry.hash !== hashOf(hash, entry)) report(`${what} does not continue the chain of hashes`);
    if (entry.time < time) report(`the log time of ${what} is before that of the version before it`);
    if (entry.time > Math.max(time, entry.committedAt + maxLogTimeAheadMs))
      report(`the log time of ${what} is ${entry.time - entry.committedAt} ms ahead of PostgreSQL's clock`);
    const key = `${entry.device} ${entry.update.counter}`;
    if (used.has(key)) report(`${what} applies counter ${entry.update.counter} of ${entry.device} again`);
    used.add(key);
    const outcome = oracle.apply(entry);
    if (outcome !== entry.outcome) report(`${what} was logged as ${entry.outcome}, and must be ${outcome}`);
    if (entry.version === state.version + 1) replayUpdate(state, entry);
    hash = entry.hash;
    time = entry.time;
  }
  compareWithRow(row, state, oracle, report);
  return { state, violations };
}

function compareWithRow(row: FieldRow, state: FieldState, oracle: Oracle, report: (text: string) => void): void {
  if (state.version !== row.version || state.hash !== row.hash)
    report(`the log ends at ${state.version}, and the field is at ${row.version}`);
  if (oracle.conflicts !== row.conflictCount)
    report(`${row.conflictCount} conflicts are counted, and there were ${oracle.conflicts}`);
  if (row.conflicts.length !== Math.min(maxKeptConflicts, row.conflictCount))
    report(`${row.conflicts.length} of ${row.conflictCount} conflicts are kept`);
  const expected = new Map([...oracle.registers].map(([name, { version: _, ...register }]) => [name, register]));
  const difference = describeDifference(registersOf(state), expected);
  if (difference) report(`the fold of the log differs from the oracle: ${difference}`);
  if (!isDeepStrictEqual(encodeSnapshot(readState(row)), encodeSnapshot(state)))
    report('the stored state differs from the fold of the log');
  for (const [device, counter] of row.clocks) {
    const highest = Math.max(
      ...row.entries.filter((each) => each.device === device).map(({ update }) => update.counter),
    );
    if (highest !== counter) report(`the clock has counter ${counter} of ${device}, and the log ${highest}`);
  }
}

function describeDifference(actual: ReadonlyMap<string, unknown>, expected: ReadonlyMap<string, unknown>): string {
  for (const name of new Set([...actual.keys(), ...expected.keys()])) {
    const [has, wants] = [actual.get(name), expected.get(name)];
    if (!isDeepStrictEqual(has, wants)) return `${name} is ${JSON.stringify(has)} instead of ${JSON.stringify(wants)}`;
  }
  return '';
}

/** The chain as the protocol describes it, without the code that makes it. */
function hashOf(previous: string, { version, time, outcome, salt, rules, device, user, update }: StoredEntry): string {
  const { counter, seen, clock, ...change } = update;
  const content = sha256([salt, { rules, device, user, counter, seen, clock, update: change }]);
  return sha256([previous, version, time, outcome, content]);
}

function sha256(value: unknown): string {
  return createHash('sha256').update(toCanonical(value)).digest('hex');
}

function toCanonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
