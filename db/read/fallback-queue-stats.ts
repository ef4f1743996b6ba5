/** Statistics of the fallback queue, in one query of BullMQ's table of jobs. */
import type { Knex } from 'knex';
import { updatesQueue } from '../../shared/contract/job.ts';
import { fallbackSchema } from '../../shared/queue/fallback-queue.ts';
import type { DetailedQueueStats } from '../../shared/queue/queue-stats.ts';

const statsSql = `
  SELECT count(*) FILTER (WHERE state = 'waiting')::int AS waiting,
         count(*) FILTER (WHERE state = 'active')::int AS active,
         count(*) FILTER (WHERE state = 'delayed')::int AS delayed,
         count(*) FILTER (WHERE state = 'failed')::int AS failed,
         count(*) FILTER (WHERE state = 'active' AND locked_until_ms < :now)::int AS stalled,
         (min(added_at_ms) FILTER (WHERE state <> 'failed'))::float8 AS "oldestAt",
         EXISTS (SELECT FROM :schema:.meta WHERE queue = :queue AND field = 'paused' AND value = '1') AS "isPaused"
    FROM :schema:.job
   WHERE queue = :queue AND state IN ('waiting', 'active', 'delayed', 'failed')`;

export async function readFallbackQueueStats(db: Knex): Promise<DetailedQueueStats> {
  const bindings = { queue: updatesQueue, schema: fallbackSchema, now: Date.now() };
  const { rows } = await db.raw<{ rows: [DetailedQueueStats] }>(statsSql, bindings);
  return rows[0];
}
