/** Runs knex's own command as a user would, with no setting but DATABASE_URL. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { migrate } from '../../db/migrations/migrate.ts';
import { listMigrations } from '../../db/migrations/source.ts';
import { packageFile } from '../../shared/process/package-files.ts';
import { installedFile } from '../support/processes/modules.ts';
import { queryPostgres } from '../support/servers/query-postgres.ts';
import { withDatabase } from '../support/servers/servers.ts';

const run = promisify(execFile);
const { PATH, HOME } = process.env;

/** Runs it in the checkout, whose migrations are TypeScript. */
function npxKnex(url: string, command: string) {
  const cwd = packageFile('.');
  return run('npx', ['knex', command], { cwd, env: { PATH, HOME, DATABASE_URL: url } });
}

/** Runs it in the installed package, and without npx, which takes a third of the time. */
function knex(url: string, command: string) {
  const cwd = installedFile('.');
  return run('node_modules/.bin/knex', [command], { cwd, env: { PATH, HOME, DATABASE_URL: url } });
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
  const pending = await npxKnex(url, 'migrate:status');
  t.match(pending.stdout, `Found ${listMigrations().length} Pending Migration file/files.`);

  const latest = await npxKnex(url, 'migrate:latest');
  t.match(latest, { stdout: `Batch 1 run: ${listMigrations().length} migrations`, stderr: '' });
  t.same(await readState(url), migrated);

  const status = await npxKnex(url, 'migrate:status');
  t.match(status, { stdout: 'No Pending Migration files Found.', stderr: '' });
  for (const name of listMigrations()) t.match(status.stdout, name);
});

t.test('knex and field migrate each continue from the migrations that the other applied', async (t) => {
  const url = await withEmptyDatabase(t);
  await migrate(url, { through: listMigrations()[0] ?? '' });
  t.match((await knex(url, 'migrate:latest')).stdout, `Batch 2 run: ${listMigrations().length - 1} migrations`);
  t.same(await migrate(url), { applied: [] });
  t.match((await knex(url, 'migrate:latest')).stdout, 'Already up to date');
});

t.test('knex and field migrate can run at the same time, because each waits for the other', async (t) => {
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
