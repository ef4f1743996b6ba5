/** Creates and migrates the tables of the fallback queue. BullMQ owns their schema and its migrations. */
import { type PgQueryable, runMigrations } from 'bullmq';
import pg from 'pg';
import { connectionTarget } from '../../../shared/postgres/connection-target.ts';
import { fallbackSchema } from '../../../shared/queue/fallback-queue.ts';

/** Idempotent, and safe to run in several processes at once. BullMQ runs it in a transaction of its own. */
export async function migrateFallbackQueue(databaseUrl: string): Promise<void> {
  const client = new pg.Client(connectionTarget(databaseUrl));
  // Without a listener the event would end the process. The pending query is rejected with the same error.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await runMigrations(client as PgQueryable, fallbackSchema);
  } finally {
    await client.end();
  }
}
