/**
 * Compare-and-append: the hot statement of a commit, one for all its fields. It appends to the log of each field that is still
 * in the state of the worker's copy, and skips the others. No lock is held across a round trip.
 */
import type { Knex } from 'knex';
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import { computeMetrics } from '../../shared/field/dynamics/field-metrics.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import { rulesVersion } from '../../shared/field/rules.ts';
import type { FieldState } from '../../shared/field/state.ts';
import type { LogEntry } from '../models/update-row.ts';
import { type Columns, type ColumnValues, listColumns, unnest } from '../unnest.ts';

/** An entry to append: tombstones are purged later, by maintenance, if at all. */
type NewLogEntry = Omit<LogEntry, 'sweptThrough' | 'rules'>;

/** What one commit adds to one field. */
export interface FieldCommit {
  /** The state that the entries continue. */
  readonly expected: ExpectedState;
  /** The state after the last entry. */
  readonly state: FieldState;
  /** The highest counter of each device that has written, as of the last entry. */
  readonly clock: ReadonlyMap<DeviceId, number>;
  readonly entries: readonly NewLogEntry[];
  readonly conflicts: readonly Conflict[];
}

interface ExpectedState {
  readonly version: number;
  readonly hash: string;
  /** The version up to which tombstones have been purged. A purge changes the state, but not the version. */
  readonly sweptThrough: number;
}

export interface AppendResult {
  /** The fields that were appended to. */
  readonly appended: ReadonlySet<FieldId>;
  /** PostgreSQL's clock during the statement, in ms. */
  readonly now: number;
}

const expectedColumns = {
  field_id: 'text',
  version: 'bigint',
  hash: 'text',
  swept_through: 'bigint',
  log_time: 'bigint',
} as const satisfies Columns;

const logColumns = {
  field_id: 'text',
  version: 'bigint',
  device_id: 'text',
  counter: 'bigint',
  logged_at: 'bigint',
  outcome: 'text',
  resolution: 'text',
  update: 'jsonb',
  user_id: 'text',
  rules: 'smallint',
  salt: 'text',
  hash: 'text',
} as const satisfies Columns;

const clockColumns = {
  field_id: 'text',
  device_id: 'text',
  counter: 'bigint',
  heard_at: 'bigint',
} as const satisfies Columns;

const conflictColumns = {
  field_id: 'text',
  version: 'bigint',
  cell: 'text',
  local: 'jsonb',
  remote: 'jsonb',
  resolution: 'text',
  time: 'bigint',
} as const satisfies Columns;

const stateColumns = {
  field_id: 'text',
  version: 'bigint',
  hash: 'text',
  last_update: 'bigint',
  global_resonance: 'float8',
  collective_intelligence: 'float8',
  room64_active: 'bool',
  conflicts: 'bigint',
} as const satisfies Columns;

/** How far a log time may be ahead of PostgreSQL's clock, in ms, unless the field's last one is even further ahead. */
const maxLogTimeAheadMs = 5000;

const insertRows = (table: string, columns: Columns, rows: string) => `
    INSERT INTO ${table} (${listColumns(columns)})
    SELECT ${listColumns(columns, 'new')} FROM ${rows} AS new (${listColumns(columns)}) JOIN expected USING (field_id)`;

/**
 * Every write selects from `expected`: the rows that are still at the expected state and that this statement has locked.
 * A row that is locked by another transaction is skipped and counts as moved: after waiting for the lock, the other parts of
 * the statement would still see the data from before the wait.
 */
const appendSql = `
  WITH clock AS MATERIALIZED (
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
  ), expected AS MATERIALIZED (
    SELECT state.field_id FROM consciousness_states state
    JOIN :expected AS copy (${listColumns(expectedColumns)}) ON copy.field_id = state.field_id
    WHERE (state.version, state.hash, state.swept_through) = (copy.version, copy.hash, copy.swept_through)
      AND copy.log_time <= greatest(state.last_update, (SELECT now FROM clock) + ${maxLogTimeAheadMs})
    ORDER BY state.field_id
    FOR NO KEY UPDATE OF state SKIP LOCKED
  ), logged AS (${insertRows('field_updates', logColumns, ':log')}
  ), clocked AS (${insertRows('vector_clocks', clockColumns, ':clocks')}
    ON CONFLICT (field_id, device_id) DO UPDATE SET counter = excluded.counter, heard_at = excluded.heard_at
  ), contended AS (${insertRows('field_conflicts', conflictColumns, ':conflicts')}
  ), moved AS (
    UPDATE consciousness_states state
    SET version = new.version, hash = new.hash, last_update = new.last_update,
      global_resonance = new.global_resonance, collective_intelligence = new.collective_intelligence,
      room64_active = new.room64_active, conflict_count = state.conflict_count + new.conflicts
    FROM :states AS new (${listColumns(stateColumns)}) JOIN expected USING (field_id)
    WHERE state.field_id = new.field_id
  )
  SELECT now, array(SELECT field_id FROM expected) AS fields FROM clock`;

/**
 * @param usesPreparedStatement false behind a pooler that assigns connections per transaction
 * @throws what PostgreSQL throws; nothing or everything is then committed
 */
export async function appendCommits(
  db: Knex,
  commits: readonly FieldCommit[],
  { usesPreparedStatement }: { readonly usesPreparedStatement: boolean },
): Promise<AppendResult> {
  const statement = db.raw<{ rows: [{ now: number; fields: FieldId[] }] }>(appendSql, {
    expected: unnest(db, expectedColumns, commits.map(toExpectedColumns)),
    log: unnest(db, logColumns, commits.flatMap(toLogRows)),
    clocks: unnest(db, clockColumns, commits.flatMap(toClockRows)),
    conflicts: unnest(db, conflictColumns, commits.flatMap(toConflictRows)),
    states: unnest(db, stateColumns, commits.map(toStateColumns)),
  });
  const { rows } = await (usesPreparedStatement ? statement.options({ name: 'append-commits' }) : statement);
  const [{ now, fields }] = rows;
  return { now, appended: new Set(fields) };
}

function toExpectedColumns({ expected, state }: FieldCommit): ColumnValues<typeof expectedColumns> {
  const { version, hash, sweptThrough } = expected;
  return { field_id: state.field, version, hash, swept_through: sweptThrough, log_time: state.time };
}

function toLogRows({ state, entries }: FieldCommit): ColumnValues<typeof logColumns>[] {
  return entries.map(({ version, device, time, outcome, resolution = null, update, user = null, salt, hash }) => ({
    field_id: state.field,
    version,
    device_id: device,
    counter: update.counter,
    logged_at: time,
    outcome,
    resolution,
    update,
    user_id: user,
    rules: rulesVersion,
    salt,
    hash,
  }));
}

/** The highest counter of each device in the entries, and when it last wrote. */
function toClockRows({ state, clock, entries }: FieldCommit): ColumnValues<typeof clockColumns>[] {
  const heardAt = new Map(entries.map(({ device, time }) => [device, time]));
  return [...heardAt].map(([device, time]) => ({
    field_id: state.field,
    device_id: device,
    counter: clock.get(device) ?? 0,
    heard_at: time,
  }));
}

/** Only as many as are kept: the next maintenance would delete the others. */
function toConflictRows({ state, conflicts }: FieldCommit): ({ field_id: FieldId } & Conflict)[] {
  return conflicts.slice(-maxKeptConflicts).map((conflict) => ({ field_id: state.field, ...conflict }));
}

function toStateColumns({ state, conflicts }: FieldCommit): ColumnValues<typeof stateColumns> {
  const { lastUpdate, globalResonance, collectiveIntelligence, room64Active } = computeMetrics(state);
  return {
    field_id: state.field,
    version: state.version,
    hash: state.hash,
    last_update: lastUpdate,
    global_resonance: globalResonance,
    collective_intelligence: collectiveIntelligence,
    room64_active: room64Active,
    conflicts: conflicts.length,
  };
}
