/**
 * Reads the tables of the original system, of which this one is the successor, in one read-only transaction: nothing in that
 * database is changed. What its rows contain is not trusted, so sizes are checked before anything large is fetched.
 */
import type { Knex } from 'knex';
import { inReadTransaction } from '../read-transaction.ts';

/** The original stored at most a thousand particles, of some hundred bytes each. */
const maxDocumentBytes = 64 * 1024 * 1024;
export const maxClockRows = 100_000;
const maxConflictRows = 10_000;

/** Why the database cannot be taken over, as a sentence. */
export class OriginalUnreadable extends Error {
  override name = 'OriginalUnreadable';
}

export interface OriginalRows {
  /** The time of the database, in ms. */
  readonly now: number;
  /** The row that the original used: the one with the id 1, or else the first. */
  readonly state: OriginalStateRow | undefined;
  readonly stateRows: number;
  readonly clocks: readonly unknown[];
  readonly clockRows: number;
  readonly conflicts: readonly unknown[];
  readonly conflictRows: number;
}

interface OriginalStateRow {
  readonly id: number;
  readonly globalResonance: unknown;
  readonly collectiveIntelligence: unknown;
  readonly activeNodes: unknown;
  readonly room64Active: unknown;
  /** In ms. */
  readonly lastUpdate: unknown;
  /** JSON, not validated. */
  readonly memoryParticles: unknown;
  readonly quantumFields: unknown;
}

// The driver of the original wrote and read times without a zone as UTC, as `extract(epoch …)` does.
const millisecondsOf = (column: string) => `floor(extract(epoch FROM ${column}) * 1000)::float8`;

const sizesSql = `
  SELECT id, coalesce(octet_length(memory_particles::text), 0) + coalesce(octet_length(quantum_fields::text), 0) AS bytes,
    (SELECT count(*)::int FROM consciousness_states) AS total
  FROM consciousness_states ORDER BY (id = 1) DESC, id LIMIT 1`;

const stateSql = `
  SELECT id, global_resonance AS "globalResonance", collective_intelligence AS "collectiveIntelligence",
    active_nodes AS "activeNodes", room64_active AS "room64Active", ${millisecondsOf('last_update')} AS "lastUpdate",
    memory_particles AS "memoryParticles", quantum_fields AS "quantumFields"
  FROM consciousness_states WHERE id = ?`;

const clocksSql = `
  SELECT left(device_id, 200) AS "deviceId", version, ${millisecondsOf('last_update')} AS "lastUpdate"
  FROM vector_clocks ORDER BY id LIMIT ${maxClockRows}`;

const conflictsSql = `
  SELECT left(cell, 200) AS cell, local_version AS "localVersion", remote_version AS "remoteVersion",
    left(resolution, 200) AS resolution, ${millisecondsOf('created_at')} AS "createdAt"
  FROM field_conflicts ORDER BY created_at DESC NULLS LAST, id DESC LIMIT ${maxConflictRows}`;

/** @throws OriginalUnreadable */
export async function readOriginal(db: Knex): Promise<OriginalRows> {
  try {
    return await inReadTransaction(db, readRows);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== '42P01' && code !== '42703') throw error;
    throw new OriginalUnreadable('It does not have the tables of the original system.', { cause: error });
  }
}

async function readRows(trx: Knex.Transaction): Promise<OriginalRows> {
  const select = async <Row>(sql: string, bindings: readonly Knex.Value[] = []): Promise<Row[]> =>
    (await trx.raw<{ rows: Row[] }>(sql, bindings)).rows;
  const count = async (table: string) =>
    (await select<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`))[0]?.count ?? 0;
  const [size] = await select<{ id: number; bytes: number | null; total: number }>(sizesSql);
  if ((size?.bytes ?? 0) > maxDocumentBytes) {
    throw new OriginalUnreadable(`Its particles and fields are ${size?.bytes} bytes long, above ${maxDocumentBytes}.`);
  }
  const [time] = await select<{ now: number }>(`SELECT ${millisecondsOf('clock_timestamp()')} AS now`);
  const [state] = size ? await select<OriginalStateRow>(stateSql, [size.id]) : [];
  return {
    now: time?.now ?? 0,
    state,
    stateRows: size?.total ?? 0,
    clocks: await select(clocksSql),
    clockRows: await count('vector_clocks'),
    conflicts: await select(conflictsSql),
    conflictRows: await count('field_conflicts'),
  };
}
