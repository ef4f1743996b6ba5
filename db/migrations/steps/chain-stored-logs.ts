/** Hashes the stored logs of version 1, and folds their states again by the rules of this version. */
import type { Knex } from 'knex';
import { computeMetrics } from '../../../shared/field/dynamics/field-metrics.ts';
import type { FoldOutcome } from '../../../shared/field/fold.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import { replayUpdate } from '../../../shared/field/replay.ts';
import { decodeSnapshot, encodeSnapshot, type FieldSnapshot } from '../../../shared/field/snapshot.ts';
import { createFieldState, type FieldState } from '../../../shared/field/state.ts';
import type { Update } from '../../../shared/field/update.ts';
import { createSalt, hashEntry, hashGenesis } from '../../../shared/history/entry-hash.ts';
import { type Columns, listColumns, unnest } from '../../unnest.ts';

/** Raw rows and not models, whose columns are those of the newest schema. */
interface StoredField {
  readonly field_id: FieldId;
  readonly genesis: string;
  readonly log_start: string;
}

interface StoredEntry {
  readonly version: string;
  readonly device_id: DeviceId;
  readonly logged_at: string;
  readonly outcome: FoldOutcome;
  readonly update: Update;
  readonly user_id: string | null;
  readonly swept_through: string | null;
}

const pageSize = 5000;
/** The rules by which everything stored so far was folded. */
const rules = 1;

export async function chainStoredLogs(knex: Knex): Promise<void> {
  const fields: StoredField[] = await knex('consciousness_states')
    .select('field_id', 'genesis', 'log_start')
    .orderBy('field_id');
  for (const field of fields) await chainField(knex, field);
}

async function chainField(knex: Knex, { field_id: field, genesis, log_start }: StoredField): Promise<void> {
  const logStart = Number(log_start);
  const startHash = hashGenesis(field, genesis);
  const state = await loadStart(knex, field, logStart, startHash);
  for (;;) {
    const entries: StoredEntry[] = await knex('field_updates')
      .where('field_id', field)
      .where('version', '>', state.version)
      .orderBy('version')
      .limit(pageSize);
    await writeHashes(
      knex,
      field,
      entries.map((entry) => chainEntry(state, entry)),
    );
    if (entries.length < pageSize) break;
  }
  await knex('field_snapshots').where('field_id', field).where('version', '>', logStart).delete();
  await knex('field_snapshots').where('field_id', field).update({ hash: startHash });
  const columns = toColumns(encodeSnapshot(state));
  await knex('consciousness_states')
    .where('field_id', field)
    .update({
      hash: state.hash,
      log_start_hash: startHash,
      snapshot_hash: state.hash,
      snapshot_version: state.version,
      snapshot_time: state.time,
      ...columns,
      ...toMetricColumns(state),
    });
  await knex('field_snapshots')
    .insert({ field_id: field, version: state.version, hash: state.hash, time: state.time, ...columns })
    .onConflict(['field_id', 'version'])
    .merge();
}

/** The state at which the kept log begins. */
async function loadStart(knex: Knex, field: FieldId, logStart: number, hash: string): Promise<FieldState> {
  if (logStart === 0) return Object.assign(createFieldState(field), { hash });
  const row = await knex('field_snapshots').where({ field_id: field, version: logStart }).first();
  if (!row) throw new Error(`the log of ${field} begins after version ${logStart}, but no snapshot is kept there`);
  const { time, memory_particles: particles, quantum_fields: quantumFields, cells, dynamics } = row;
  return decodeSnapshot(field, {
    version: logStart,
    hash,
    time: Number(time),
    particles,
    quantumFields,
    cells,
    dynamics,
  });
}

function chainEntry(state: FieldState, row: StoredEntry) {
  const { device_id: device, outcome, update, user_id, swept_through } = row;
  const [version, time, salt] = [Number(row.version), Number(row.logged_at), createSalt()];
  const user = user_id ?? undefined;
  const hash = hashEntry(state.hash, { version, time, outcome, salt, rules, device, user, update });
  const purged = swept_through === null ? {} : { sweptThrough: Number(swept_through) };
  replayUpdate(state, { version, hash, device, time, update, ...purged });
  return { version, salt, hash };
}

const hashColumns = { version: 'bigint', salt: 'text', hash: 'text' } as const satisfies Columns;

const writeHashesSql = `
  UPDATE field_updates SET salt = chained.salt, hash = chained.hash
  FROM :chained AS chained (${listColumns(hashColumns)})
  WHERE field_updates.field_id = :field AND field_updates.version = chained.version`;

async function writeHashes(
  knex: Knex,
  field: FieldId,
  rows: readonly { version: number; salt: string; hash: string }[],
) {
  if (rows.length === 0) return;
  await knex.raw(writeHashesSql, { field, chained: unnest(knex, hashColumns, rows) });
}

function toMetricColumns(state: FieldState) {
  const { globalResonance, collectiveIntelligence, room64Active, lastUpdate } = computeMetrics(state);
  return {
    global_resonance: globalResonance,
    collective_intelligence: collectiveIntelligence,
    room64_active: room64Active,
    last_update: lastUpdate,
  };
}

function toColumns({ particles, quantumFields, cells, dynamics }: FieldSnapshot): Record<string, string> {
  return {
    memory_particles: JSON.stringify(particles),
    quantum_fields: JSON.stringify(quantumFields),
    cells: JSON.stringify(cells),
    dynamics: JSON.stringify(dynamics),
  };
}
