/** Prunes the older nine tenths of the logs, by a retention that ends there. */
import type { Knex } from 'knex';
import { readServerTime } from '../../db/read/server-time.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { pruneLogs } from '../../workers/maintenance/prune-logs.ts';

const prunedShare = 0.9;
const dayMs = 86_400_000;

/** Prunes until nothing is left to prune. @returns how many updates were pruned, and how long that took */
export async function pruneOlderPart(db: Knex, log: Logger): Promise<{ updates: number; pruneSeconds: number }> {
  const cutoff = await findCutoff(db);
  const startedAt = performance.now();
  let updates = 0;
  for (;;) {
    // Retention is relative to the server's clock, which moves on while this prunes.
    const config = { LOG_RETENTION_DAYS: ((await readServerTime(db)) - cutoff) / dayMs };
    const pruned = await pruneLogs({ db, log, config });
    if (pruned === 0) break;
    updates += pruned;
  }
  return { updates, pruneSeconds: (performance.now() - startedAt) / 1000 };
}

const logTimesSql =
  'SELECT logged_at AS time, count(*) AS entries FROM field_updates GROUP BY logged_at ORDER BY logged_at';

/** The newest log time up to which there are at most nine tenths of all entries. The log is not changed, since its hashes cover log times. */
async function findCutoff(db: Knex): Promise<number> {
  const { rows } = await db.raw<{ rows: { time: number; entries: number }[] }>(logTimesSql);
  const limit = prunedShare * rows.reduce((sum, { entries }) => sum + entries, 0);
  let [cutoff, older] = [0, 0];
  for (const { time, entries } of rows) {
    older += entries;
    if (older > limit) break;
    cutoff = time;
  }
  return cutoff;
}
