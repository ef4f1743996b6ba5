/** Baseline for the log: inserts the same rows in transactions of the same size over several connections. */
import type pg from 'pg';
import type { ApplyUpdates } from '../../shared/contract/job.ts';

const connections = 4;
const insert = `
  INSERT INTO bench_log (field_id, version, device_id, counter, logged_at, outcome, update)
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::jsonb[])`;

/** @returns the duration in ms */
export async function insertRawLog(db: pg.Pool, jobs: readonly ApplyUpdates[], batchSize: number): Promise<number> {
  await db.query('DROP TABLE IF EXISTS bench_log');
  await db.query('CREATE TABLE bench_log (LIKE field_updates INCLUDING ALL)');
  const rows = jobs.flatMap(({ field, device, updates, acceptedAt }, job) =>
    updates.map((update, index) => ({ field, version: job * 1000 + index, device, time: acceptedAt, update })),
  );
  const batches = Array.from({ length: Math.ceil(rows.length / batchSize) }, (_, index) =>
    rows.slice(index * batchSize, (index + 1) * batchSize),
  );
  const startedAt = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let batch = batches[next++]; batch; batch = batches[next++]) {
        await db.query(insert, [
          batch.map(({ field }) => field),
          batch.map(({ version }) => version),
          batch.map(({ device }) => device),
          batch.map(({ version }) => version),
          batch.map(({ time }) => time),
          batch.map(() => 'applied'),
          batch.map(({ update }) => JSON.stringify(update)),
        ]);
      }
    }),
  );
  const durationMs = performance.now() - startedAt;
  await db.query('DROP TABLE bench_log');
  return durationMs;
}
