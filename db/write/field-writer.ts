/**
 * Every statement that changes a field. All run in the caller's transaction, while it holds the rows' locks, except
 * `createFields`, which stands alone.
 */
import type { Knex } from 'knex';
import { computeMetrics } from '../../shared/field/dynamics/metrics.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Conflict, Resolution } from '../../shared/field/registers/conflict-record.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import type { Update } from '../../shared/field/update.ts';
import { encodeStateColumns } from '../read/load-state.ts';

type Transaction = Knex.Transaction;

/** Makes sure that the fields have their rows. On its own, before the transaction, so that it can wait for nobody. */
export async function createFields(db: Knex, fields: readonly FieldId[]): Promise<void> {
  const rows = [...fields].sort().map((field) => {
    const state = createFieldState(field);
    const metrics = computeMetrics(state);
    return {
      field_id: field,
      global_resonance: metrics.globalResonance,
      collective_intelligence: metrics.collectiveIntelligence,
      room64_active: metrics.room64Active,
      ...encodeStateColumns(state),
    };
  });
  await db('consciousness_states').insert(rows).onConflict('field_id').ignore();
}

export interface LockedField {
  readonly field: FieldId;
  readonly version: number;
  readonly logStart: number;
  readonly sweptThrough: number;
}

const lockSql = `
  SELECT field_id AS field, version, log_start AS "logStart", swept_through AS "sweptThrough"
  FROM consciousness_states
  WHERE field_id = ANY(?)
  ORDER BY field_id
  FOR NO KEY UPDATE`;

/** Locks the fields' rows until the transaction ends. Always in the same order, so that no two wait for each other. */
export async function lockFields(trx: Transaction, fields: readonly FieldId[]): Promise<LockedField[]> {
  const { rows }: { rows: LockedField[] } = await trx.raw(lockSql, [
    fields as readonly string[] as string[],
  ] as Knex.RawBinding[]);
  return rows;
}

/** A new entry of a field's log. */
export interface NewLogEntry {
  readonly version: number;
  readonly device: DeviceId;
  readonly time: number;
  readonly outcome: 'applied' | 'superseded' | 'conflict';
  readonly resolution?: Resolution;
  readonly update: Update;
  readonly user?: string;
}

/** What one transaction adds to one field. */
export interface FieldCommit {
  readonly state: FieldState;
  readonly entries: readonly NewLogEntry[];
  readonly conflicts: readonly Conflict[];
}

const commitSql = `
  WITH logged AS (
    INSERT INTO field_updates
      (field_id, version, device_id, counter, logged_at, outcome, resolution, update, user_id)
    SELECT * FROM unnest(
      ?::text[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::jsonb[], ?::text[])
  ), clocked AS (
    INSERT INTO vector_clocks (field_id, device_id, counter, heard_at)
    SELECT * FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[])
    ON CONFLICT (field_id, device_id) DO UPDATE
    SET counter = greatest(vector_clocks.counter, excluded.counter), heard_at = excluded.heard_at
  )
  UPDATE consciousness_states state
  SET version = new.version, last_update = new.last_update, global_resonance = new.global_resonance,
    collective_intelligence = new.collective_intelligence, room64_active = new.room64_active,
    conflict_count = state.conflict_count + new.conflicts
  FROM unnest(?::text[], ?::bigint[], ?::bigint[], ?::float8[], ?::float8[], ?::bool[], ?::bigint[])
    AS new (field_id, version, last_update, global_resonance, collective_intelligence, room64_active, conflicts)
  WHERE state.field_id = new.field_id`;

/** Appends to the logs and moves the small columns, for all fields of a transaction in one statement. */
export async function writeCommits(trx: Transaction, commits: readonly FieldCommit[]): Promise<void> {
  const logged = commits.flatMap(({ state, entries }) => entries.map((entry) => ({ field: state.field, ...entry })));
  const clocks = commits.flatMap(collectHighestCounters);
  const states = commits.map(({ state, conflicts }) => ({ state, metrics: computeMetrics(state), conflicts }));
  await trx.raw(commitSql, [
    logged.map(({ field }) => field),
    logged.map(({ version }) => version),
    logged.map(({ device }) => device),
    logged.map(({ update }) => update.counter),
    logged.map(({ time }) => time),
    logged.map(({ outcome }) => outcome),
    logged.map(({ resolution }) => resolution ?? null),
    logged.map(({ update }) => JSON.stringify(update)),
    logged.map(({ user }) => user ?? null),
    clocks.map(({ field }) => field),
    clocks.map(({ device }) => device),
    clocks.map(({ counter }) => counter),
    clocks.map(({ time }) => time),
    states.map(({ state }) => state.field),
    states.map(({ state }) => state.version),
    states.map(({ metrics }) => metrics.lastUpdate),
    states.map(({ metrics }) => metrics.globalResonance),
    states.map(({ metrics }) => metrics.collectiveIntelligence),
    states.map(({ metrics }) => metrics.room64Active),
    states.map(({ conflicts }) => conflicts.length),
  ] as Knex.RawBinding[]);
  const conflicts = commits.flatMap(({ state, conflicts }) =>
    conflicts.slice(-50).map((conflict) => ({ field: state.field, ...conflict })),
  );
  if (conflicts.length > 0) await insertConflicts(trx, conflicts);
}

function collectHighestCounters({ state, entries }: FieldCommit) {
  const highest = new Map<DeviceId, { counter: number; time: number }>();
  for (const { device, update, time } of entries) {
    highest.set(device, { counter: Math.max(highest.get(device)?.counter ?? 0, update.counter), time });
  }
  return [...highest].map(([device, { counter, time }]) => ({ field: state.field, device, counter, time }));
}

const conflictsSql = `
  INSERT INTO field_conflicts (field_id, version, cell, local, remote, resolution, time)
  SELECT * FROM unnest(?::text[], ?::bigint[], ?::text[], ?::jsonb[], ?::jsonb[], ?::text[], ?::bigint[])`;

async function insertConflicts(trx: Transaction, conflicts: readonly (Conflict & { field: FieldId })[]): Promise<void> {
  await trx.raw(conflictsSql, [
    conflicts.map(({ field }) => field),
    conflicts.map(({ version }) => version),
    conflicts.map(({ cell }) => cell),
    conflicts.map(({ local }) => JSON.stringify(local)),
    conflicts.map(({ remote }) => JSON.stringify(remote)),
    conflicts.map(({ resolution }) => resolution),
    conflicts.map(({ time }) => time),
  ] as Knex.RawBinding[]);
}

const snapshotSql = `
  UPDATE consciousness_states state
  SET snapshot_version = new.version, snapshot_time = new.time, memory_particles = new.memory_particles,
    quantum_fields = new.quantum_fields, cells = new.cells, dynamics = new.dynamics
  FROM unnest(?::text[], ?::bigint[], ?::bigint[], ?::jsonb[], ?::jsonb[], ?::jsonb[], ?::jsonb[])
    AS new (field_id, version, time, memory_particles, quantum_fields, cells, dynamics)
  WHERE state.field_id = new.field_id`;

/** Brings the fields' own snapshots up to their versions. */
export async function writeSnapshots(trx: Transaction, states: readonly FieldState[]): Promise<void> {
  if (states.length === 0) return;
  const columns = states.map(encodeStateColumns);
  await trx.raw(snapshotSql, [
    states.map(({ field }) => field),
    states.map(({ version }) => version),
    states.map(({ time }) => time),
    columns.map(({ memory_particles }) => memory_particles),
    columns.map(({ quantum_fields }) => quantum_fields),
    columns.map(({ cells }) => cells),
    columns.map(({ dynamics }) => dynamics),
  ] as Knex.RawBinding[]);
}

/** Keeps a snapshot for good: what `?at=` starts from, and what a pruned log stands on. */
export async function archiveSnapshot(trx: Transaction, state: FieldState): Promise<void> {
  await trx('field_snapshots')
    .insert({ field_id: state.field, version: state.version, time: state.time, ...encodeStateColumns(state) })
    .onConflict(['field_id', 'version'])
    .merge();
}

/** Says that the cache has not been told of these fields' last commits. */
export async function markForRepublish(
  db: Knex,
  fields: readonly { field: FieldId; version: number }[],
): Promise<void> {
  if (fields.length === 0) return;
  await db('unpublished_fields')
    .insert(fields.map(({ field, version }) => ({ field_id: field, version })))
    .onConflict('field_id')
    .merge({ version: db.raw('greatest(unpublished_fields.version, excluded.version)') });
}
