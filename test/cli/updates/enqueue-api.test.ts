import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { withTcpGate } from '../../api/support/tcp-gate.ts';
import { type TestApi, withApi } from '../../api/support/with-app.ts';
import { type Backing, withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { listUpdates } from '../../support/read-back.ts';
import { asDevice, asField, putParticle, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { withFolder } from '../../support/with-folder.ts';
import { withField } from '../run-field.ts';

const [ada, bob] = [asDevice('ada'), asDevice('bob')];

const toLines = (updates: readonly object[]) => `${updates.map((update) => JSON.stringify(update)).join('\n')}\n`;

async function readNames({ reader }: Backing, field: string): Promise<string[]> {
  const page = await reader.readLog(asField(field), 0, 10_000);
  return listUpdates(page).map(({ device, update }) => `${device} ${update.counter}`);
}

/** The command gets the address of the API and tokens, and no address of a database or a queue. */
async function withTools(t: Test, settings: Record<string, string> = {}) {
  const backing = await withBacking(t, settings);
  const api = await withApi(t, backing);
  const folder = await withFolder(t);
  const field = await withField(t);
  const write = async (name: string, content: string | Buffer) => {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  };
  const tokens = await Promise.all([ada, bob].map((device) => api.createToken({ device, user: `user of ${device}` })));
  const tokenFile = await write('tokens', `${tokens.join('\n')}\n`);
  const start = (args: readonly string[], { input, address = api.address }: StartOptions = {}) => {
    const all = ['enqueue', '--json', '--api', address, '--token-file', tokenFile, ...args];
    return field.start(all, input === undefined ? {} : { input });
  };
  const enqueue = async (args: readonly string[], options?: StartOptions) => {
    const { code, stdout, stderr } = await start(args, options).ended;
    return { code, stderr, summary: stdout === '' ? undefined : JSON.parse(stdout) };
  };
  return { backing, api, field, write, start, enqueue };
}

interface StartOptions {
  readonly input?: string;
  readonly address?: string;
}

const countOf = (api: TestApi, field: string) => async () => (await readNames(api.backing, field)).length;

t.test(
  'without the queue and the database, updates are applied over the API, and once when they are sent again',
  async (t) => {
    const { backing, write, enqueue } = await withTools(t);
    await withWorker(t, backing);
    const updates = Array.from({ length: 250 }, (_, index) => ({
      ...{ device: index % 2 ? bob : ada, ...putParticle(index + 1, `p-${index}`) },
    }));
    const file = await write('updates.ndjson.gz', gzipSync(toLines(updates)));
    const first = await enqueue([file, '--field', 'garden', '--batch', '50']);
    t.equal(first.code, 0, first.stderr);
    t.match(first.summary, {
      ...{ field: 'garden', version: 250, lines: 250, accepted: 250, applied: 250, jobs: 6, duplicates: 0, refused: 0 },
      ...{ complete: true, problems: [], particles: { written: 250, held: 250, inField: 250 } },
    });
    const page = await backing.reader.readLog(asField('garden'), 0, 1);
    t.match(page?.updates, [{ user: 'user of ada' }], 'the log has the user of the token');

    const again = await enqueue([file, '--field', 'garden']);
    t.match(again, { code: 0, summary: { accepted: 0, applied: 0, duplicates: 250, version: 250, complete: true } });
    t.equal((await readNames(backing, 'garden')).length, 250);

    const map = JSON.stringify({
      device: 'bob',
      id: '$name',
      resonance: { from: '$level', min: 0, max: 10 },
      timestamp: '$at',
    });
    const table = 'name,level,at\nnorth,5,2026-01-01\nsouth,7,2026-01-02\n';
    const mapped = await enqueue(['-', '--format', 'csv', '--map', map, '--field', 'tables'], { input: table });
    t.match(mapped, { code: 0, summary: { lines: 2, applied: 2, version: 2 } }, mapped.stderr);
    const list = await write('list.json', JSON.stringify([setCell(1, 1, 0.1), setCell(2, 2, 0.2)]));
    const json = await enqueue([list, '--device', 'ada', '--field', 'lists', '--rate', '1000']);
    t.match(json, { code: 0, summary: { lines: 2, applied: 2, version: 2 } }, json.stderr);
  },
);

t.test('what cannot be applied is reported by its line, and the rest is applied', async (t) => {
  const { backing, enqueue } = await withTools(t);
  await withWorker(t, backing);
  const input = toLines([
    { device: ada, ...setCell(1, 1, 0.1) },
    { device: 'carol', ...setCell(1, 1, 0.1) },
    { device: ada, ...setCell(2, 999, 0.1) },
    { device: ada, ...setCell(3, 1, 7) },
    { device: ada, ...setCell(4, 2, 0.2) },
  ]);
  const { code, summary } = await enqueue(['-'], { input });
  t.match({ code, summary }, { code: 1, summary: { lines: 5, applied: 2, refused: 3, complete: true } });
  t.match(summary.problems, [
    { line: 2, reason: /there is no token for carol/ },
    { line: 4, reason: /value/ },
    { line: 3, reason: /x: .*invalid_input/ },
  ]);
  t.same(await readNames(backing, 'global'), ['ada 1', 'ada 4']);
  const other = await enqueue(['-'], { input: toLines([{ device: ada, ...setCell(1, 1, 0.9) }]) });
  t.match(other, { code: 1, summary: { reused: 1, applied: 0, problems: [{ reason: /different content/ }] } });
});

t.test('a run keeps to the rate limits of the API, also to one that is below its batches', async (t) => {
  const { api, enqueue } = await withTools(t, { LIMIT_UPDATES: '30', LIMIT_WINDOW_SECONDS: '1' });
  await withWorker(t, api.backing);
  const updates = Array.from({ length: 90 }, (_, index) => ({ device: ada, ...setCell(index + 1, index % 30, 0.5) }));
  const { code, stderr, summary } = await enqueue(['-', '--batch', '40'], { input: toLines(updates) });
  t.match({ code, summary }, { code: 0, summary: { applied: 90, refused: 0, duplicates: 0, version: 90 } }, stderr);
  t.match(stderr, /The API asks to send more slowly: .*rate_limited/);
});

t.test('a run goes on after an outage of the API, and applies nothing twice', async (t) => {
  const { api, start } = await withTools(t);
  await withWorker(t, api.backing);
  const { hostname: host, port } = new URL(api.address);
  const gate = await withTcpGate(t, { host, port: Number(port) });
  const updates = Array.from({ length: 60 }, (_, index) => ({ device: ada, ...setCell(index + 1, index % 30, 0.5) }));
  const run = start(['-', '--batch', '1', '--field', 'cut'], {
    ...{ input: toLines(updates), address: `http://127.0.0.1:${gate.port}` },
  });
  const count = countOf(api, 'cut');
  await waitUntil('some are applied', async () => (await count()) > 5);
  gate.cut();
  await waitUntil('the outage is reported', () => /The API is unreachable, retrying/.test(run.stderr()));
  gate.open();
  const { code, stdout, stderr } = await run.ended;
  t.equal(code, 0, stderr);
  t.match(JSON.parse(stdout), { applied: 60, duplicates: 0, version: 60, complete: true });
});

t.test('an interrupted run says so, and the same command continues it', async (t) => {
  const { api, write, start, enqueue } = await withTools(t);
  await withWorker(t, api.backing);
  const updates = Array.from({ length: 100 }, (_, index) => ({ device: ada, ...setCell(index + 1, index % 30, 0.5) }));
  const file = await write('slow.ndjson', toLines(updates));
  const run = start([file, '--rate', '20', '--field', 'slow']);
  await waitUntil('some are applied', async () => (await countOf(api, 'slow')()) > 0);
  run.interrupt();
  const { code, stdout, stderr } = await run.ended;
  t.equal(code, 130);
  t.match(stderr, /Run the same command again to continue/);
  const { applied, complete } = JSON.parse(stdout);
  t.notOk(complete);
  t.match(await enqueue([file, '--field', 'slow']), {
    ...{ code: 0, summary: { applied: 100 - applied, duplicates: applied, version: 100 } },
  });
});

t.test(
  'jobs have a low priority unless it is asked otherwise, and --no-wait ends when they are accepted',
  async (t) => {
    const { backing, enqueue } = await withTools(t);
    const input = toLines([{ device: ada, ...setCell(1, 1, 0.1) }]);
    t.match(await enqueue(['-', '--no-wait'], { input }), { code: 0, summary: { accepted: 1, jobs: 1, applied: 0 } });
    t.equal(await backing.producer.queues.countJobs('prioritized'), 1);
    t.match(await enqueue(['-', '--no-wait', '--priority', 'normal'], { input }), { code: 0 });
    t.equal(await backing.producer.queues.countJobs('waiting'), 1);
  },
);

t.test('a missing, wrong or expired token ends the run with a sentence that has no token in it', async (t) => {
  const { api, field, write } = await withTools(t);
  const file = await write('one.ndjson', toLines([setCell(1, 1, 0.1)]));
  const run = (env: Record<string, string>, args: readonly string[] = []) =>
    field(['enqueue', file, '--api', api.address, ...args], { env });
  const expired = await api.createToken({ device: ada, expiresInSeconds: 1 });
  const reading = await api.createToken({ device: ada, scope: ['field:read'] });
  const deviceless = await api.createToken({ device: null, scope: ['field:read'] });
  await waitUntil('the token has expired', async () => {
    const { status } = await api.request('/api/fields/global/clock', { token: expired });
    return status === 401;
  });
  const cases: [Record<string, string>, readonly string[], RegExp][] = [
    [{}, [], /set FIELD_TOKEN, or name a file with --token-file/],
    [{ FIELD_TOKEN: 'secret-text' }, [], /Token 1 of FIELD_TOKEN is not a JWT/],
    [{ FIELD_TOKEN: deviceless }, [], /Token 1 of FIELD_TOKEN names no device/],
    [{ FIELD_TOKEN: expired }, [], /The API refuses the token: .*token_expired/],
    [{ FIELD_TOKEN: reading }, [], /The API refuses the token: .*field:write.*forbidden/],
    [{ FIELD_TOKEN: reading }, ['--device', 'bob'], /There is no token for bob/],
    [{}, ['--token-file', 'nowhere'], /nowhere cannot be read/],
    [{ FIELD_TOKEN: reading }, ['--name', 'run'], /--name is for the record of a run/],
  ];
  for (const [env, args, message] of cases) {
    const { code, stderr, stdout } = await run(env, args);
    t.match({ code, stderr }, { code: 2, stderr: message });
    for (const token of Object.values(env)) t.notOk(`${stdout}${stderr}`.includes(token), 'the token is not printed');
  }
  const wrong = await field(['enqueue', file, '--api', `${api.address}/elsewhere`], { env: { FIELD_TOKEN: reading } });
  t.match(wrong, { code: 2, stderr: /does not answer as this API does/ });
});
