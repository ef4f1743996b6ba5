/**
 * Decides which worker runs a maintenance task. PostgreSQL's clock says when a task is due, so that neither a worker's clock
 * nor the queue matters.
 */
import type { Knex } from 'knex';

/** A worker that has claimed a task and not finished it after this time counts as dead. */
const maxRunSeconds = 60;

/** @returns whether the task was due, and no other worker has claimed it */
export async function claimMaintenanceTask(db: Knex, name: string): Promise<boolean> {
  // A due time further ahead than any interval was recorded before the server's clock was set back.
  const { rows } = await db.raw(
    `INSERT INTO maintenance_tasks AS task (name, due_at)
     VALUES (:name, clock_timestamp() + make_interval(secs => :maxRunSeconds))
     ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at
       WHERE task.due_at <= clock_timestamp() OR task.due_at > clock_timestamp() + interval '1 day'
     RETURNING name`,
    { name, maxRunSeconds },
  );
  return rows.length > 0;
}

/** The task is due again after `intervalMs`. */
export async function finishMaintenanceTask(db: Knex, name: string, intervalMs: number): Promise<void> {
  await db.raw(
    `UPDATE maintenance_tasks SET due_at = clock_timestamp() + make_interval(secs => :seconds) WHERE name = :name`,
    { name, seconds: intervalMs / 1000 },
  );
}
