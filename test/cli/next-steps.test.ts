import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { withDatabase } from '../../cli/backends/with-database.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { withoutPooler } from '../support/servers/servers.ts';
import { withFolder } from '../support/with-folder.ts';
import { settingsOf, withField } from './run-field.ts';

const unknownRun = '7b1c2a4e-5f0d-4c1b-9a3e-2d6f8e0c1b2a';

t.test('every error says what went wrong in words, and what to do next', async (t) => {
  const backing = await withBacking(t);
  const field = await withField(t, settingsOf(backing));
  const cwd = await withFolder(t);
  await mkdir(join(cwd, 'folder'));
  for (const [name, text] of Object.entries({ 'list.csv': 'a,b\n1,2\n', 'cut.ndjson': '{}\n', 'map.json': '{' }))
    await writeFile(join(cwd, name), text);
  const cases: [readonly string[], number, RegExp, RegExp][] = [
    [['import', '/nonexistent', 'copy'], 2, /\/nonexistent cannot be read: there is no such file/, /Check the path/],
    [['import', 'folder', 'copy'], 2, /folder is a folder/, /name the files in it/],
    [['import', 'cut.ndjson', 'copy'], 1, /cut.ndjson:1: /, /Nothing was imported. .*export the log again/],
    [['enqueue', 'nowhere'], 2, /nowhere cannot be read: there is no such file/, /Check the path/],
    [['enqueue', 'list.csv/a'], 2, /a part of its path is no folder/, /Check the path/],
    [['enqueue', '-', '-'], 2, /can only be read once/, /name it once/],
    [['enqueue', 'list.csv'], 2, /--map is missing/, /enqueue --help/],
    [['enqueue', 'list.csv', '--map', '[]'], 2, /--map \[\] cannot be read/, /Check the path/],
    [['enqueue', 'list.csv', '--map', 'map.json'], 2, /--map is not JSON/, /enqueue --help/],
    [['enqueue', 'list.csv', '--map', '{"a":'], 2, /--map is not JSON/, /enqueue --help/],
    [['enqueue', 'cut.ndjson', '--api', 'http://127.0.0.1:1'], 2, /needs a token/, /token --device/],
    [['export', 'nowhere'], 1, /There is no field nowhere/, /status` lists fields/],
    [['runs', 'pause', unknownRun], 1, /There is no run/, /List them/],
    [['dead-letters', 'show', '1'], 1, /no dead-letter job 1/, /dead-letters list/],
    [['dead-letters', 'retry'], 2, /Specify the ids/, /or --all/],
  ];
  for (const [args, code, reason, nextStep] of cases) {
    const result = await field(args, { cwd });
    const name = args.join(' ');
    t.equal(result.code, code, name);
    t.match(result.stderr, reason, name);
    t.match(result.stderr, nextStep, name);
    t.notMatch(result.stderr, /ENOENT|ENOTDIR|EACCES|\n {4}at /, `${name} without codes of the system or a stack`);
  }
});

t.test('a run that cannot be changed says what can be done with it', async (t) => {
  const backing = await withBacking(t);
  const field = await withField(t, settingsOf(backing));
  for (const [status, step] of [
    ['finished', /Nothing is left to do/],
    ['cancelled', /Start the same `enqueue` command again/],
    ['paused', /runs resume/],
  ] as const) {
    await backing.db('enqueue_runs').del();
    await backing.db('enqueue_runs').insert({ id: unknownRun, name: 'x', field_id: 'global', operator: 'x', status });
    const { code, stderr } = await field(['runs', 'pause', unknownRun]);
    t.match({ code, stderr }, { code: 1, stderr: step }, status);
  }
});

t.test(
  'a query that takes too long, and one that is not allowed, are not called an outage',
  withoutPooler,
  async (t) => {
    const { config } = await withBacking(t);
    const run = (sql: string) =>
      withDatabase(config.DATABASE_URL, async (db) => void (await db.raw(sql)), { statementTimeoutMs: 100 });
    await t.rejects(run('SELECT pg_sleep(10)'), { exit: 'negative', message: /took too long/, hint: /Ask for less/ });
    const denied = `DO $$ BEGIN RAISE EXCEPTION 'permission denied for table x' USING ERRCODE = '42501'; END $$`;
    await t.rejects(run(denied), { exit: 'usage', message: /may not do this: .*permission denied/, hint: /grant/ });
  },
);
