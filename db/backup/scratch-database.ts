/** Creates and drops the scratch database of a verification, and removes those that a crash has left behind. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { quoteIdentifier } from './backup-tables.ts';

/**
 * The prefix contains the OID of the database that is verified. The installation id would not be unique: a clone made
 * with `CREATE DATABASE … TEMPLATE` has the same one, and each would drop the other's scratch database while in use.
 */
async function readPrefix(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ prefix: string }>(
    `SELECT 'field_verify_' || oid || '_' AS prefix FROM pg_database WHERE datname = current_database()`,
  );
  const [row] = rows;
  if (!row) throw new Error('the current database is missing from pg_database');
  return row.prefix;
}

/** Calls `work` with the URL of a new, empty database, and drops the database even if `work` fails. */
export async function withScratchDatabase<T>(
  client: pg.Client,
  url: string,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const name = `${await readPrefix(client)}${randomBytes(4).toString('hex')}`;
  await client.query(`CREATE DATABASE ${quoteIdentifier(name)}`);
  try {
    return await work(withDatabaseName(url, name));
  } finally {
    await dropDatabase(client, name);
  }
}

/**
 * The caller must hold the backup lock, or a verification may still be using one of them.
 * @returns the names of the dropped databases
 */
export async function dropLeftoverDatabases(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)',
    [await readPrefix(client)],
  );
  for (const { name } of rows) await dropDatabase(client, name);
  return rows.map(({ name }) => name);
}

async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`);
}

/** The URL may have several hosts, which `URL` does not parse. */
function withDatabaseName(url: string, database: string): string {
  return url.replace(/^(\w+:\/\/[^/?#]*)(\/[^?#]*)?/, `$1/${encodeURIComponent(database)}`);
}
