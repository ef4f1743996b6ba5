import pg from 'pg';
import t from 'tap';
import { withPostgres } from '../support/postgres.ts';
import { withDatabase } from '../support/servers.ts';

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // The query is rejected.
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

t.test('each test gets a migrated database of its own', async (t) => {
  const [one, two] = await Promise.all([withDatabase(t), withDatabase(t)]);
  t.not(one.url, two.url);
  await ask(one.url, 'create table mine ()');
  const [counts] = await ask(
    two.url,
    "select to_regclass('mine') as mine, count(*)::int as migrations from knex_migrations",
  );
  t.match(counts, { mine: null, migrations: Number });
  t.ok(Number(counts?.migrations) > 0);
});

t.test('a PostgreSQL of a test keeps what was committed through a kill -9', async (t) => {
  const server = await withPostgres(t);
  await ask(server.url, 'create table kept as select 1 as one');
  await server.kill9();
  await t.rejects(ask(server.url, 'select 1'));
  await server.start();
  t.same(await ask(server.url, 'select one from kept'), [{ one: 1 }]);
});
