/**
 * The tables of the fallback queue, at version 11 of BullMQ's schema. BullMQ migrates them itself, and only upwards.
 * When a BullMQ release has a newer schema, add a migration like this one, so that knex reports it as pending.
 */
import type { Knex } from 'knex';
import { migrateFallbackQueue } from './steps/fallback-queue-schema.ts';

/** Uses a connection of its own because BullMQ commits. Its tables therefore remain if knex rolls back. */
export async function up({ userParams }: Knex): Promise<void> {
  await migrateFallbackQueue(userParams.databaseUrl);
}

/** Keeps the tables, because they may contain accepted updates that have not been applied. */
export async function down(): Promise<void> {}
