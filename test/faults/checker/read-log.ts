/**
 * Reads the log of a field with SQL of its own, independent of db/. Entries that a fault is about to prune are archived, so
 * that the whole log can be checked afterwards.
 */
import type { Knex } from 'knex';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { Update } from '../../../shared/field/update.ts';

export interface LogRow {
  readonly version: number;
  readonly device: DeviceId;
  readonly counter: number;
  readonly time: number;
  readonly outcome: string;
  readonly resolution: string | null;
  readonly update: Update;
  readonly hash: string;
  /** After this entry, tombstones of removals up to this version were purged. */
  readonly sweptThrough: number | null;
}

export interface WholeLog {
  readonly rows: readonly LogRow[];
  /** The version after which PostgreSQL keeps the log, and its hash. */
  readonly start: number;
  readonly startHash: string;
  readonly hash: string;
}

const rowsSql = `
  SELECT version, device_id AS device, counter, logged_at AS time, outcome, resolution, update, hash,
    swept_through AS "sweptThrough"
  FROM field_updates WHERE field_id = ? ORDER BY version`;
const startSql = `
  SELECT log_start AS start, log_start_hash AS "startHash", hash FROM consciousness_states WHERE field_id = ?`;

/** The entries that were pruned, by field. */
export type LogArchive = Map<FieldId, readonly LogRow[]>;

/** The archived entries and those that are kept. */
export async function readWholeLog(db: Knex, archive: LogArchive, field: FieldId): Promise<WholeLog> {
  const rows = await readRows(db, field);
  const { rows: starts }: { rows: Omit<WholeLog, 'rows'>[] } = await db.raw(startSql, [field]);
  const [head = { start: 0, startHash: '', hash: '' }] = starts;
  const archived = (archive.get(field) ?? []).filter(({ version }) => version <= head.start);
  return { ...head, rows: [...archived, ...rows] };
}

/** Adds what is kept now to the archive. */
export async function archiveLog(db: Knex, archive: LogArchive, field: FieldId): Promise<void> {
  archive.set(field, (await readWholeLog(db, archive, field)).rows);
}

async function readRows(db: Knex, field: FieldId): Promise<LogRow[]> {
  const { rows }: { rows: LogRow[] } = await db.raw(rowsSql, [field]);
  return rows;
}
