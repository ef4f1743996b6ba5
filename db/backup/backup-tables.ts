/**
 * Lists what is backed up: every table of the public schema, and the accepted updates that wait in the fallback queue.
 * The tables are read from PostgreSQL's catalogue, so that one that a later migration adds is included automatically.
 */
import type pg from 'pg';
import { updatesQueue } from '../../shared/contract/job.ts';
import { fallbackSchema } from '../../shared/queue/fallback-queue.ts';

/** A backup stores pending jobs in its own format, because BullMQ may change its tables between versions. */
export const pendingJobsTable = 'pending_jobs';
export const pendingJobColumns = ['name', 'data', 'opts', 'max_attempts', 'added_at_ms'] as const;

/**
 * Tables that are meaningful for one database only. A restored database gets a new installation id, so that copies
 * cached for the old one are never used. Its cache is empty, so no field is unpublished, it has no backups yet, and all
 * maintenance is due.
 */
const excludedTables = ['installation', 'unpublished_fields', 'backups', 'maintenance_tasks'];

export interface BackupTable {
  readonly table: string;
  readonly columns: readonly string[];
  /** The source in `COPY source TO STDOUT`: a query in parentheses. */
  readonly source: string;
}

const tablesSql = `
  SELECT class.relname AS table, array_agg(attribute.attname::text ORDER BY attribute.attnum) AS columns
  FROM pg_class class JOIN pg_attribute attribute ON attribute.attrelid = class.oid
  WHERE class.relnamespace = 'public'::regnamespace AND class.relkind IN ('r', 'p') AND NOT class.relispartition
    AND class.relname NOT LIKE 'knex\\_%' AND class.relname <> ALL ($1)
    AND attribute.attnum > 0 AND NOT attribute.attisdropped AND attribute.attgenerated = ''
  GROUP BY class.relname
  ORDER BY class.relname`;

const pendingSql = `
  SELECT ${pendingJobColumns.join(', ')} FROM ${fallbackSchema}.job
  WHERE queue = '${updatesQueue}' AND state <> 'completed' ORDER BY seq`;

export async function listBackupTables(client: pg.Client): Promise<BackupTable[]> {
  const { rows } = await client.query<{ table: string; columns: string[] }>(tablesSql, [excludedTables]);
  return [
    ...rows.map(({ table, columns }) => ({ table, columns, source: toCopySource(table, columns) })),
    { table: pendingJobsTable, columns: pendingJobColumns, source: `(${pendingSql})` },
  ];
}

/** A query, because `COPY table TO` does not accept a partitioned table. */
function toCopySource(table: string, columns: readonly string[]): string {
  return `(SELECT ${quoteIdentifiers(columns)} FROM public.${quoteIdentifier(table)})`;
}

export function quoteIdentifiers(names: readonly string[]): string {
  return names.map(quoteIdentifier).join(', ');
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
