/** A database on the same server that exists for the length of a verification, and what a crash has left of such ones. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { shortInstallation } from './backup-names.ts';
import { quoteName } from './source-tables.ts';

const prefixOf = (installation: string) => `field_verify_${shortInstallation(installation)}_`;

/** Hands the address of a new, empty database to `work`, and drops it whatever happens. */
export async function withScratchDatabase<T>(
  client: pg.Client,
  { url, installation }: { url: string; installation: string },
  work: (url: string) => Promise<T>,
): Promise<T> {
  const name = `${prefixOf(installation)}${randomBytes(4).toString('hex')}`;
  await client.query(`CREATE DATABASE ${quoteName(name)}`);
  try {
    return await work(addressOf(url, name));
  } finally {
    await dropDatabase(client, name);
  }
}

/** Only for who holds the lock: nobody verifies now. @returns the names of those dropped */
export async function dropLeftovers(client: pg.Client, installation: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)',
    [prefixOf(installation)],
  );
  for (const { name } of rows) await dropDatabase(client, name);
  return rows.map(({ name }) => name);
}

async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${quoteName(name)} WITH (FORCE)`);
}

function addressOf(url: string, database: string): string {
  const address = new URL(url);
  address.pathname = `/${database}`;
  return address.href;
}
