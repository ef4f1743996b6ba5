/** `enqueue_runs`: the runs of `enqueue`. A run reports its progress, and gets its status, which operators can change, in return. */
import type { Knex } from 'knex';
import { z } from 'zod';
import { fieldIdSchema } from '../../shared/contract/ids.ts';
import { Row } from '../models/row.ts';

/** `stopped`: ended before its input did, by a signal or an error. */
const runStatuses = ['running', 'paused', 'cancelled', 'finished', 'stopped'] as const;
export type RunStatus = (typeof runStatuses)[number];

/** The changes that operators can make, and the statuses in which each is possible. */
export const runChanges = {
  pause: { from: ['running'], to: 'paused' },
  resume: { from: ['paused'], to: 'running' },
  cancel: { from: ['running', 'paused'], to: 'cancelled' },
} as const satisfies Record<string, { from: readonly RunStatus[]; to: RunStatus }>;
export type RunChange = keyof typeof runChanges;

const enqueueRunSchema = z.strictObject({
  id: z.uuid(),
  name: z.string().min(1).max(200),
  fieldId: fieldIdSchema,
  /** The user of the operating system and the host. */
  operator: z.string().min(1),
  status: z.enum(runStatuses),
});

export class EnqueueRunRow extends Row {
  static override readonly tableName = 'enqueue_runs';
  static override readonly idColumn = 'id';
  static override readonly schema = enqueueRunSchema;
  static override readonly jsonAttributes = ['counts'];

  declare id: string;
  declare name: string;
  declare fieldId: z.infer<typeof fieldIdSchema>;
  declare operator: string;
  declare status: RunStatus;
  declare startedAt: Date;
  /** When the run last reported. A running one that has not reported for seconds is dead. */
  declare reportedAt: Date;
  declare counts: Readonly<Record<string, number>>;
}

export async function insertRun(db: Knex, run: z.infer<typeof enqueueRunSchema>): Promise<void> {
  // As a knex query, because Objection would return the row.
  await EnqueueRunRow.query(db).insert(run).toKnexQuery();
}

const reportSql = `
  UPDATE enqueue_runs
  SET counts = :counts::jsonb, reported_at = clock_timestamp(),
    status = CASE WHEN status = 'cancelled' THEN status ELSE coalesce(:ended, status) END
  WHERE id = :id
  RETURNING status`;

/**
 * Records the progress of a run.
 * @param ended how it ended, if it has; a cancelled run stays cancelled
 * @returns its status; undefined if it is not recorded
 */
export async function reportRun(
  db: Knex,
  id: string,
  { counts, ended = null }: { readonly counts: object; readonly ended?: 'finished' | 'stopped' | null },
): Promise<RunStatus | undefined> {
  const { rows } = await db.raw<{ rows: { status: RunStatus }[] }>(reportSql, {
    id,
    ended,
    counts: JSON.stringify(counts),
  });
  return rows[0]?.status;
}

/** @returns whether the run was in a status in which this can be done */
export async function changeRun(db: Knex, id: string, change: RunChange): Promise<boolean> {
  const { from, to } = runChanges[change];
  const changed = await EnqueueRunRow.query(db)
    .patch({ status: to })
    .where({ id })
    .whereIn('status', [...from]);
  return changed > 0;
}

export async function findRun(db: Knex, id: string): Promise<EnqueueRunRow | undefined> {
  return EnqueueRunRow.query(db).findById(id);
}

/** The newest first. */
export async function listRuns(db: Knex, limit: number): Promise<EnqueueRunRow[]> {
  return EnqueueRunRow.query(db).orderBy('started_at', 'desc').limit(limit);
}
