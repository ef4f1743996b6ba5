/** A connection of a backup's own: no limit on how long a statement takes, and its outages reach whoever waits for it. */
import pg from 'pg';

async function openClient(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'field-backup',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  // The query that is under way is rejected as well.
  client.on('error', () => undefined);
  await client.connect();
  // The text of a value is the same whatever the server's settings.
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
