/** Counts unfinished and failed jobs in the Redis queues and in the PostgreSQL fallback queue. */
import type { Knex } from 'knex';
import { fallbackSchema } from '../../../shared/queue/fallback-queue.ts';
import type { Observer } from '../observer.ts';

export interface JobCounts {
  readonly unfinished: number;
  readonly failed: number;
}

export async function countJobs({ queues, db }: Observer): Promise<JobCounts> {
  await queues.refresh();
  const inRedis = await Promise.all(
    queues.all.map((queue) => queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'failed')),
  );
  const inPostgres = await countFallbackJobs(db);
  const all = [...inRedis.flatMap(Object.entries<number>), ...inPostgres];
  const count = (predicate: (state: string) => boolean) =>
    all.reduce((sum, [state, jobs]) => sum + (predicate(state) ? jobs : 0), 0);
  return {
    unfinished: count((state) => state !== 'failed' && state !== 'completed'),
    failed: count((state) => state === 'failed'),
  };
}

async function countFallbackJobs(db: Knex): Promise<[state: string, jobs: number][]> {
  const sql = 'SELECT state::text AS state, count(*) AS jobs FROM ??.job GROUP BY state';
  const { rows }: { rows: { state: string; jobs: number }[] } = await db.raw(sql, [fallbackSchema]);
  return rows.map(({ state, jobs }) => [state, jobs]);
}
