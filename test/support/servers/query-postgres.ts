/** Short-lived PostgreSQL connections for tests. */
import pg from 'pg';

/** Runs `work` on its own connection and closes it. @throws what connecting or `work` throws */
export async function withPgClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // The query in progress is rejected with the same error.
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Runs one query on its own connection. */
export function queryPostgres(url: string, sql: string): Promise<Record<string, unknown>[]> {
  return withPgClient(url, async (client) => (await client.query<Record<string, unknown>>(sql)).rows);
}
