/**
 * The lock that lets only one process at a time back up, verify and clean up a database. It is a session-level advisory
 * lock, so the server releases it when the process dies.
 */
import type { Knex } from 'knex';
import pg from 'pg';
import { createLogger } from '../../shared/process/logger.ts';
import { connectDatabase } from '../connect.ts';
import { withClient } from './client.ts';

/** The key of the advisory lock. Never change it: different versions of this program may run at the same time. */
export const backupLockId = 4_715_301_965;
/** A killed process keeps the lock until its running statement, such as CREATE DATABASE, ends. This allows for that. */
const waitMs = 5000;
const lockNotAvailable = '55P03';

export interface BackupSession {
  /** The connection that holds the lock. If it is lost, every later query on it fails. */
  readonly client: pg.Client;
  /** A second connection, for the model functions. It does not hold the lock. */
  readonly db: Knex;
}

/** @returns undefined when another process holds the lock and does not release it within 5 s */
export async function withBackupLock<T>(
  url: string,
  work: (session: BackupSession) => Promise<T>,
): Promise<{ readonly result: T } | undefined> {
  return withClient(url, async (client) => {
    if (!(await acquire(client))) return undefined;
    const log = createLogger({ name: 'backup', level: 'silent' });
    const db = connectDatabase({ url, poolSize: 1, applicationName: 'field-backup', log });
    try {
      return { result: await work({ client, db }) };
    } finally {
      await db.destroy();
    }
  });
}

async function acquire(client: pg.Client): Promise<boolean> {
  await client.query(`SET lock_timeout = ${waitMs}`);
  try {
    await client.query('SELECT pg_advisory_lock($1)', [backupLockId]);
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === lockNotAvailable) return false;
    throw error;
  }
  await client.query('SET lock_timeout = 0');
  return true;
}
