/**
 * One backup, verification or clean-up of a database at a time, whoever wants one: a session lock on a connection of its
 * own, which dies with the process.
 */
import type pg from 'pg';
import { withClient } from './open-client.ts';

/** Names the advisory lock; any constant does, as long as it stays. */
const backupLock = 4_715_301_965;

/** @returns undefined when somebody else is at it */
export async function underBackupLock<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<{ readonly result: T } | undefined> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [backupLock]);
    return rows[0]?.held ? { result: await work(client) } : undefined;
  });
}
