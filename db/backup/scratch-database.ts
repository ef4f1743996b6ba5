/** A database on the same server that exists for the length of a verification, and what a crash has left of such ones. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { quoteIdentifier } from './backup-tables.ts';

/**
 * The prefix names the database that is verified by its OID. Its installation id would not do: a database that was cloned
 * (`CREATE DATABASE … TEMPLATE`) has the same, and each would drop the scratch database that the other is using.
 */
async function readPrefix(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ prefix: string }>(
    `SELECT 'field_verify_' || oid || '_' AS prefix FROM pg_database WHERE datname = current_database()`,
  );
  const [row] = rows;
  if (!row) throw new Error('the database is not in the catalogue');
  return row.prefix;
}

/** Hands the address of a new, empty database to `work`, and drops it whatever happens. */
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

/** Only for who holds the lock: nobody verifies now. @returns the names of those dropped */
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

function withDatabaseName(url: string, database: string): string {
  const address = new URL(url);
  address.pathname = `/${database}`;
  return address.href;
}
