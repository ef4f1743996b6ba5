/** Creates the tables of the queue on PostgreSQL: BullMQ migrates its own schema. */
import { type PgQueryable, runMigrations } from 'bullmq';
import pg from 'pg';
import { fallbackSchema } from '../../shared/queue/fallback-queue.ts';

/** Idempotent, and safe to run in several processes at once. BullMQ begins and commits a transaction of its own. */
export async function migrateFallbackQueue(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => undefined); // The pending query is rejected as well.
  await client.connect();
  try {
    await runMigrations(client as PgQueryable, fallbackSchema);
  } finally {
    await client.end();
  }
}
