/** Appends to the logs of fields: the hot statement of a commit, one for all fields of a transaction. */
import type { Knex } from 'knex';
import { maxKeptConflicts } from '../../shared/contract/wire.ts';
import { computeMetrics } from '../../shared/field/dynamics/field-metrics.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import type { FieldState } from '../../shared/field/state.ts';
import type { LogEntry } from '../models/update-row.ts';
import { type Columns, type ColumnValues, listColumns, unnest } from '../unnest.ts';

/** An entry to append: tombstones are purged later, by maintenance, if at all. */
export interface NewLogEntry extends Omit<LogEntry, 'sweptThrough'> {
  /** Who sent it. */
  readonly user?: string;
}

/** What one transaction adds to one field. */
export interface FieldCommit {
  /** The state after the last entry. */
  readonly state: FieldState;
  readonly entries: readonly NewLogEntry[];
  readonly conflicts: readonly Conflict[];
}

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
} as const satisfies Columns;

const clockColumns = {
  field_id: 'text',
  device_id: 'text',
  counter: 'bigint',
  heard_at: 'bigint',
} as const satisfies Columns;

const stateColumns = {
  field_id: 'text',
  version: 'bigint',
  last_update: 'bigint',
  global_resonance: 'float8',
  collective_intelligence: 'float8',
  room64_active: 'bool',
  conflicts: 'bigint',
} as const satisfies Columns;

const appendSql = `
  WITH logged AS (
    INSERT INTO field_updates (${listColumns(logColumns)}) SELECT * FROM :log
  ), clocked AS (
    INSERT INTO vector_clocks (${listColumns(clockColumns)}) SELECT * FROM :clocks
    ON CONFLICT (field_id, device_id) DO UPDATE
    SET counter = greatest(vector_clocks.counter, excluded.counter), heard_at = excluded.heard_at
  )
  UPDATE consciousness_states state
  SET version = new.version, last_update = new.last_update, global_resonance = new.global_resonance,
    collective_intelligence = new.collective_intelligence, room64_active = new.room64_active,
    conflict_count = state.conflict_count + new.conflicts
  FROM :states AS new (${listColumns(stateColumns)})
  WHERE state.field_id = new.field_id`;

/** The caller holds the locks of the fields' rows, and appends what follows their versions. */
export async function appendCommits(trx: Knex.Transaction, commits: readonly FieldCommit[]): Promise<void> {
  await trx.raw(appendSql, {
    log: unnest(trx, logColumns, commits.flatMap(toLogRows)),
    clocks: unnest(trx, clockColumns, commits.flatMap(toClockRows)),
    states: unnest(trx, stateColumns, commits.map(toStateColumns)),
  });
  const conflicts = commits.flatMap(toConflictRows);
  if (conflicts.length > 0) await trx.raw(conflictsSql, { conflicts: unnest(trx, conflictColumns, conflicts) });
}

function toLogRows({ state, entries }: FieldCommit): ColumnValues<typeof logColumns>[] {
  return entries.map(({ version, device, time, outcome, resolution = null, update, user = null }) => ({
    field_id: state.field,
    version,
    device_id: device,
    counter: update.counter,
    logged_at: time,
    outcome,
    resolution,
    update,
    user_id: user,
  }));
}

/** The highest counter of each device that has written, and when it last did. */
function toClockRows({ state, entries }: FieldCommit): ColumnValues<typeof clockColumns>[] {
  const rows = new Map<DeviceId, ColumnValues<typeof clockColumns>>();
  for (const { device, update, time } of entries) {
    const counter = Math.max(rows.get(device)?.counter ?? 0, update.counter);
    rows.set(device, { field_id: state.field, device_id: device, counter, heard_at: time });
  }
  return [...rows.values()];
}

function toStateColumns({ state, conflicts }: FieldCommit): ColumnValues<typeof stateColumns> {
  const { lastUpdate, globalResonance, collectiveIntelligence, room64Active } = computeMetrics(state);
  return {
    field_id: state.field,
    version: state.version,
    last_update: lastUpdate,
    global_resonance: globalResonance,
    collective_intelligence: collectiveIntelligence,
    room64_active: room64Active,
    conflicts: conflicts.length,
  };
}

const conflictColumns = {
  field_id: 'text',
  version: 'bigint',
  cell: 'text',
  local: 'jsonb',
  remote: 'jsonb',
  resolution: 'text',
  time: 'bigint',
} as const satisfies Columns;

const conflictsSql = `INSERT INTO field_conflicts (${listColumns(conflictColumns)}) SELECT * FROM :conflicts`;

/** Only as many as are kept: the others would be deleted by the next maintenance. */
function toConflictRows({ state, conflicts }: FieldCommit): ({ field_id: FieldId } & Conflict)[] {
  return conflicts.slice(-maxKeptConflicts).map((conflict) => ({ field_id: state.field, ...conflict }));
}
