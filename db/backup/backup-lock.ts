/**
 * One backup, verification or clean-up of a database at a time, in whichever process: a session lock on a connection of its
 * own, which the server releases when the process dies.
 */
import pg from 'pg';
import { withClient } from './client.ts';

/** Names the advisory lock; any constant does, as long as it stays. */
export const backupLockId = 4_715_301_965;
/** The server notices late that a process was killed: after the statement that it was running, such as CREATE DATABASE. */
const waitMs = 5000;
const lockNotAvailable = '55P03';

/** @returns undefined when another process holds the lock and does not release it within 5 s */
export async function withBackupLock<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<{ readonly result: T } | undefined> {
  return withClient(url, async (client) => ((await acquire(client)) ? { result: await work(client) } : undefined));
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
