import t from 'tap';
import { withPostgres } from '../support/servers/postgres.ts';
import { queryPostgres } from '../support/servers/query-postgres.ts';
import { withDatabase } from '../support/servers/servers.ts';

t.test('each test gets its own migrated database', async (t) => {
  const [one, two] = await Promise.all([withDatabase(t), withDatabase(t)]);
  t.not(one.url, two.url);
  await queryPostgres(one.url, 'create table mine ()');
  const [counts] = await queryPostgres(
    two.url,
    "select to_regclass('mine') as mine, count(*)::int as migrations from knex_migrations",
  );
  t.match(counts, { mine: null, migrations: Number });
  t.ok(Number(counts?.migrations) > 0);
});

t.test('the PostgreSQL server of a test keeps committed data through a kill -9', async (t) => {
  const server = await withPostgres(t);
  await queryPostgres(server.url, 'create table kept as select 1 as one');
  await server.kill9();
  await t.rejects(queryPostgres(server.url, 'select 1'));
  await server.start();
  t.same(await queryPostgres(server.url, 'select one from kept'), [{ one: 1 }]);
});
