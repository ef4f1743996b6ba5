/**
 * The tables of the queue on PostgreSQL, at version 11 of BullMQ's own schema. BullMQ migrates them itself, and only
 * upwards: when it brings a newer version, add a migration like this one, so that knex has something to apply.
 */
import type { Knex } from 'knex';
import { migrateFallbackQueue } from './fallback-queue-schema.ts';

/** On a connection of its own, since BullMQ commits: what it has created stays if knex rolls back. */
export async function up({ userParams }: Knex): Promise<void> {
  await migrateFallbackQueue(userParams.databaseUrl);
}

/** Keeps the tables: accepted updates may wait in them. */
export async function down(): Promise<void> {}
