/** A dedicated connection for backups, without a statement timeout. A lost connection rejects the query in progress. */
import pg from 'pg';
import { connectionTarget } from '../../shared/postgres/connection-target.ts';

async function openClient(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    ...connectionTarget(url),
    application_name: 'field-backup',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  // Without a listener the event would end the process. The query in progress is rejected with the same error.
  client.on('error', () => undefined);
  await client.connect();
  // Makes the text form of values independent of the server's settings.
  await client.query(`SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET extra_float_digits = 1`);
  await client.query('SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0');
  return client;
}

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await openClient(url);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
