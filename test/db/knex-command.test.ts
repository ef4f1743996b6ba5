/** Runs knex's own command from the checkout as a user would, with no setting but DATABASE_URL. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { migrate } from '../../db/migrations/migrate.ts';
import { listMigrations } from '../../db/migrations/source.ts';
import { queryPostgres } from '../support/servers/query-postgres.ts';
import { withDatabase } from '../support/servers/servers.ts';

const run = promisify(execFile);
const cwd = fileURLToPath(new URL('../../', import.meta.url));

/** `env -i` also removes the modules that tap makes every Node process load. */
function knex(url: string, command: string) {
  const { PATH, HOME } = process.env;
  return run('env', ['-i', `PATH=${PATH}`, `HOME=${HOME}`, `DATABASE_URL=${url}`, 'npx', 'knex', command], { cwd });
}

async function withEmptyDatabase(t: Test): Promise<string> {
  const { directUrl } = await withDatabase(t);
  await queryPostgres(directUrl, 'drop schema public cascade; drop schema bullmq cascade; create schema public');
  return directUrl;
}

const readState = (url: string) =>
  queryPostgres(
    url,
    `select (select array_agg(name order by id) from knex_migrations) as migrations,
       (select count(distinct batch)::int from knex_migrations) as batches,
       to_regclass('consciousness_states') is not null as "hasFields",
       to_regclass('bullmq.job') is not null as "hasQueue"`,
  );

const migrated = [{ migrations: listMigrations(), batches: 1, hasFields: true, hasQueue: true }];

t.test('npx knex migrate:latest creates the whole schema, and migrate:status lists every migration', async (t) => {
  const url = await withEmptyDatabase(t);
  const pending = await knex(url, 'migrate:status');
  t.match(pending.stdout, `Found ${listMigrations().length} Pending Migration file/files.`);

  const latest = await knex(url, 'migrate:latest');
  t.match(latest, { stdout: `Batch 1 run: ${listMigrations().length} migrations`, stderr: '' });
  t.same(await readState(url), migrated);

  const status = await knex(url, 'migrate:status');
  t.match(status, { stdout: 'No Pending Migration files Found.', stderr: '' });
  for (const name of listMigrations()) t.match(status.stdout, name);
});

t.test('npx knex and field migrate each continue from the migrations that the other applied', async (t) => {
  const url = await withEmptyDatabase(t);
  await migrate(url, { through: listMigrations()[0] ?? '' });
  t.match((await knex(url, 'migrate:latest')).stdout, `Batch 2 run: ${listMigrations().length - 1} migrations`);
  t.same(await migrate(url), { applied: [] });
  t.match((await knex(url, 'migrate:latest')).stdout, 'Already up to date');
});

t.test('npx knex and field migrate can run at the same time, because each waits for the other', async (t) => {
  const url = await withEmptyDatabase(t);
  await Promise.all([knex(url, 'migrate:latest'), migrate(url), knex(url, 'migrate:latest'), migrate(url)]);
  t.same(await readState(url), migrated);
});

t.test("the newest migration of the fallback queue matches the newest version of BullMQ's schema", async (t) => {
  const { directUrl } = await withDatabase(t);
  const [row] = await queryPostgres(directUrl, 'select max(version) as version from bullmq.migration');
  const recorded = listMigrations().findLast((name) => name.includes('-bullmq-'));
  t.match(recorded, new RegExp(`-bullmq-${row?.version}$`), 'add a migration when BullMQ brings a newer schema');
});
