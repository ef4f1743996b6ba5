/**
 * What is backed up: every table of the public schema, as the catalogue has it, so that none is forgotten that a later
 * migration adds; and the updates that wait in PostgreSQL's queue, accepted but not applied.
 */
import type pg from 'pg';
import { updatesQueue } from '../../shared/contract/job.ts';
import { fallbackSchema } from '../../shared/queue/fallback-queue.ts';

/** The name of the pending jobs in a backup. Not BullMQ's, whose tables may change while the content of a job does not. */
export const pendingJobsTable = 'pending_jobs';
export const pendingJobColumns = ['name', 'data', 'opts', 'max_attempts', 'added_at_ms'] as const;

/**
 * Tables that describe one database only. A restored database is a new installation, so that the old one's cached copies
 * are never used for it; its cache is empty, so that nothing is unpublished; and its backups are recorded anew.
 */
const excludedTables = ['installation', 'unpublished_fields', 'backups'];

export interface BackupTable {
  readonly table: string;
  readonly columns: readonly string[];
  /** What stands between COPY and TO. */
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

/** A partitioned table can only be copied out by a query. */
function toCopySource(table: string, columns: readonly string[]): string {
  return `(SELECT ${quoteIdentifiers(columns)} FROM public.${quoteIdentifier(table)})`;
}

export function quoteIdentifiers(names: readonly string[]): string {
  return names.map(quoteIdentifier).join(', ');
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
