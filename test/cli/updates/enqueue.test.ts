import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { UnrecoverableError, Worker } from 'bullmq';
import t, { type Test } from 'tap';
import { listRequests, updatesQueue } from '../../../shared/contract/job.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { queuePrefix } from '../../../shared/queue/partitions.ts';
import { openWorkerConnection } from '../../../shared/redis/connect.ts';
import { type Backing, withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { listUpdates, readStored, waitForVersion } from '../../support/read-back.ts';
import { asDevice, asField, jobOf, putParticle, setCell } from '../../support/updates.ts';
import { withFolder } from '../../support/with-folder.ts';
import { settingsOf, withField } from '../run-field.ts';

const [ada, bob] = [asDevice('ada'), asDevice('bob')];

const toLines = (updates: readonly object[]) => `${updates.map((update) => JSON.stringify(update)).join('\n')}\n`;

async function readNames({ reader }: Backing, field: string): Promise<string[]> {
  const page = await reader.readLog(asField(field), 0, 10_000);
  return listUpdates(page).map(({ device, update }) => `${device} ${update.counter}`);
}

async function withTools(t: Test, settings: Record<string, string> = {}) {
  const backing = await withBacking(t, settings);
  const folder = await withFolder(t);
  const field = await withField(t, settingsOf(backing));
  const write = async (name: string, content: string | Buffer) => {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  };
  const enqueue = async (args: readonly string[], input?: string | Buffer) => {
    const { code, stdout, stderr } = await field(['enqueue', '--json', ...args], { input });
    return { code, stderr, summary: stdout === '' ? undefined : JSON.parse(stdout) };
  };
  return { backing, folder, field, write, enqueue };
}

t.test('plain, gzipped and piped input is applied in its order', async (t) => {
  const { backing, field, write, enqueue } = await withTools(t);
  await withWorker(t, backing);
  const plain = [
    { device: ada, ...setCell(1, 1, 0.1) },
    { device: ada, ...setCell(2, 2, 0.2) },
    { device: bob, ...setCell(1, 1, 0.3) },
    { device: ada, ...setCell(3, 3, 0.3) },
  ];
  const file = await write('plain', `\n${toLines(plain)}`);
  const zipped = await write('zipped.txt', gzipSync(toLines([{ device: bob, ...putParticle(2, 'star') }])));
  const { code, stderr, summary } = await enqueue([file, zipped, '--field', 'garden', '--keep-order']);
  t.equal(code, 0, stderr);
  t.match(summary, {
    ...{ field: 'garden', version: 5, lines: 5, accepted: 5, jobs: 4, applied: 5, conflicts: 1, complete: true },
    ...{ superseded: 0, duplicates: 0, reused: 0, refused: 0, adjusted: 0, problems: [] },
  });
  t.same(await readNames(backing, 'garden'), ['ada 1', 'ada 2', 'bob 1', 'ada 3', 'bob 2']);

  t.match((await enqueue([file, '--field', 'grouped'])).summary, { jobs: 2, applied: 4, conflicts: 1 });
  t.same(await readNames(backing, 'grouped'), ['ada 1', 'ada 2', 'ada 3', 'bob 1'], 'grouped by device');

  const piped = toLines([setCell(1, 9, 0.9), setCell(2, 8, 0.8), { device: bob, ...setCell(1, 7, 0.7) }]).trimEnd();
  const table = await field(['enqueue', '-', '--device', 'carol'], { input: piped });
  t.equal(table.code, 0);
  t.match(table.stdout, /^applied +3$/m);
  t.match(table.stdout, /^field +global +version 3$/m);
  t.same(await readNames(backing, 'global'), ['carol 1', 'carol 2', 'bob 1']);
});

t.test('a named pipe is read until its writer closes it', async (t) => {
  const { backing, folder, enqueue } = await withTools(t);
  await withWorker(t, backing);
  const pipe = join(folder, 'pipe');
  await promisify(execFile)('mkfifo', [pipe]);
  const updates = Array.from({ length: 300 }, (_, index) => ({ device: ada, ...setCell(index + 1, index % 30, 0.5) }));
  const [{ code, stderr, summary }] = await Promise.all([
    enqueue([pipe, '--field', 'piped']),
    writeFile(pipe, toLines(updates)),
  ]);
  t.equal(code, 0, stderr);
  t.match(summary, { lines: 300, applied: 300, complete: true });
});

t.test('invalid lines are reported with their number, and the valid ones are sent', async (t) => {
  const { backing, write, enqueue } = await withTools(t, { GRID_SIZE: '30' });
  await withWorker(t, backing);
  const good = JSON.stringify({ device: ada, ...setCell(1, 1, 0.1) });
  const lines = [
    good,
    'not JSON \u001b[31m',
    '[1]',
    '',
    JSON.stringify(setCell(2, 1, 0.1)),
    JSON.stringify({ device: 'a b', ...setCell(2, 1, 0.1) }),
    JSON.stringify({ device: ada, ...setCell(2, 30, 0.1) }),
    JSON.stringify({ device: ada, ...setCell(2, 1, 0.1), colour: 'red' }),
    JSON.stringify({ device: ada, ...putParticle(2, 'star', { content: 'a\u0000b' }) }),
    JSON.stringify({ device: ada, ...setCell(2_000_000, 1, 0.1) }),
    JSON.stringify({ device: ada, ...setCell(2, 2, 0.2) }).replace('{', '{"__proto__":{},'),
    JSON.stringify({ device: ada, ...setCell(3, 3, 0.3) }),
  ];
  const file = await write(
    'some.ndjson',
    Buffer.concat([Buffer.from(lines.join('\r\n')), Buffer.from('\n"\xff"', 'latin1')]),
  );
  const { code, stderr, summary } = await enqueue([file]);
  t.equal(code, 1);
  t.match(summary, { lines: 12, refused: 10, accepted: 2, applied: 2, complete: true });
  t.same(
    summary.problems.map(({ line }: { line: number }) => line),
    [2, 3, 5, 6, 7, 8, 9, 10, 11, 13],
  );
  for (const said of [
    /:2: is not JSON: /,
    /:3: is not a JSON object/,
    /:5: \/device is missing.*--device/,
    /:6: \/device: must be 1 to 64/,
    /:7: \/cells\/0\/x: /,
    /:8: .*colour/,
    /:9: \/content: contains the character U\+0000/,
    /:10: \/counter: 2000000 is more than 1000000 above the device's last, 1/,
    /:11: is not JSON: .*forbidden/,
    /:13: is not UTF-8/,
  ]) {
    t.match(stderr, said);
  }
  t.notMatch(stderr, '\u001b', 'terminal control characters of the input are escaped');
  t.same(await readNames(backing, 'global'), ['ada 1', 'ada 3']);
});

t.test('only the first twenty invalid lines are reported individually', async (t) => {
  const field = await withField(t);
  const input = 'bad\n'.repeat(50);
  const { code, stdout, stderr } = await field(['enqueue', '-', '--dry-run'], { input });
  t.equal(code, 1);
  t.equal(stdout, '50 lines: 0 valid, 50 rejected; nothing was sent\n');
  t.equal(stderr.trimEnd().split('\n').length, 21);
  t.match(stderr, 'standard input:20: is not JSON');
  t.match(stderr, '… and 30 more such lines');
});

t.test('a dry run needs no servers and sends nothing', async (t) => {
  const field = await withField(t);
  const input = toLines([setCell(1, 1, 0.1), setCell(2, 29, 0.1)]);
  const run = (args: string[], env = {}) => field(['enqueue', '-', '--dry-run', ...args], { input, env });
  t.match(await run(['--device', 'ada']), { code: 0, stdout: '2 lines: 2 valid, 0 rejected; nothing was sent\n' });
  t.match(await run(['--device', 'ada', '--json'], { GRID_SIZE: '10' }), { code: 1, stdout: /"good":1,"refused":1/ });
});

t.test('updates that were already applied are not sent again, and reused counters are reported', async (t) => {
  const { backing, write, enqueue } = await withTools(t);
  await withWorker(t, backing);
  const updates = [1, 2, 3].map((counter) => ({ device: ada, ...setCell(counter, counter, 0.5) }));
  const file = await write('updates', toLines(updates));
  t.match(await enqueue([file]), { code: 0, summary: { applied: 3, duplicates: 0, version: 3 } });
  const stored = await readStored(backing, asField('global'));
  t.match(await enqueue([file]), { code: 0, summary: { accepted: 0, jobs: 0, applied: 0, duplicates: 3, version: 3 } });
  t.equal(await readStored(backing, asField('global')), stored);

  const later = [
    { device: ada, ...setCell(2, 2, 0.5, { seen: 2, timestamp: 1_800_000_000_000 }) },
    { device: ada, ...setCell(3, 3, 0.75) },
    { device: bob, ...setCell(1, -0, 0.25) },
    { device: bob, ...setCell(1, 0, 0.25) },
    { device: bob, ...setCell(1, 0, 0.5) },
  ];
  const { code, stderr, summary } = await enqueue([await write('later', toLines(later))]);
  t.equal(code, 1);
  t.match(summary, { lines: 5, accepted: 1, applied: 1, duplicates: 2, reused: 2, version: 4 });
  t.match(stderr, /later:2: counter 3 of ada was already used with different content: not applied/);
  t.match(stderr, /later:5: counter 1 of bob was already used/);
});

t.test('records of other formats are sent by a map, and the summary says what the field holds of them', async (t) => {
  const { backing, write, enqueue } = await withTools(t);
  await withWorker(t, backing);
  const rows = Array.from({ length: 1200 }, (_, index) => `q${index},${index % 10},2020-01-01T00:00:00Z`);
  const file = await write('quakes.csv', `name,mag,time\n${rows.join('\n')}\nbad,,\n`);
  const map = { id: '$name', resonance: { from: '$mag', min: 0, max: 10 }, timestamp: '$time' };
  const args = ['--device', 'csv', '--map', JSON.stringify(map)];
  const { code, stderr, summary } = await enqueue([file, ...args]);
  t.equal(code, 1, stderr);
  t.match(stderr, /quakes\.csv:1202: \/timestamp: /);
  t.match(summary, { lines: 1201, applied: 1200, refused: 1, particles: { written: 1200 } });
  const { held, inField } = summary.particles;
  t.ok(held === inField && held >= 800 && held <= 1000, `${held} are held`);
  t.match((await enqueue([file, ...args])).summary, { applied: 0, duplicates: 1200, refused: 1 });
  t.match(await enqueue([file]), { code: 2, stderr: /--map is missing/ });

  const array = await write('updates.json', JSON.stringify([{ device: ada, ...setCell(1, 1, 0.5) }]));
  t.match((await enqueue([array, '--field', 'array'])).summary, { lines: 1, applied: 1 });
});

t.test('--batch sets the size of jobs, and timestamps in the future are reduced', async (t) => {
  const { backing, enqueue } = await withTools(t);
  const timestamp = Date.now() + 3_600_000;
  const updates = [1, 2, 3, 5, 4].map((counter) =>
    setCell(counter, counter, 0.5, { timestamp: counter === 3 ? timestamp : 1 }),
  );
  const args = ['-', '--device', 'ada', '--batch', '2', '--no-wait'];
  const { code, summary } = await enqueue(args, toLines(updates));
  t.equal(code, 0);
  t.match(summary, { accepted: 5, jobs: 3, applied: 0, adjusted: 1, complete: true });
  const jobs = (await backing.producer.queues.first.getPrioritized()).flatMap(({ data }) => listRequests(data));
  const counters = jobs.map(({ updates }) => updates.map(({ counter }) => counter));
  t.same(counters.sort(), [[1, 2], [3, 4], [5]], 'in the order of their counters');
  const adjusted = jobs.find((job) => job.updates[0]?.counter === 3);
  t.ok(adjusted && (adjusted.updates[0]?.timestamp ?? timestamp) < timestamp);

  await withWorker(t, backing);
  await waitForVersion(backing, asField('global'), 5);
  t.same(await readNames(backing, 'global'), ['ada 1', 'ada 2', 'ada 3', 'ada 4', 'ada 5']);
});

t.test('what devices send is applied before all that waits with a low priority', async (t) => {
  const { backing, enqueue } = await withTools(t, { WORKER_CONCURRENCY: '1' });
  const lines = toLines([1, 2, 3, 4].map((counter) => setCell(counter, counter, 0.5)));
  const args = ['-', '--device', 'batch', '--batch', '1', '--no-wait'];
  t.match((await enqueue(args, lines)).summary, { accepted: 4, jobs: 4 });
  const global = asField('global');
  await backing.producer.enqueue(jobOf(global, ada, [setCell(1, 9, 0.5)]));
  t.match(await backing.producer.queues.readStats(), { waiting: 5 });
  await withWorker(t, backing);
  await waitForVersion(backing, global, 5);
  t.same(await readNames(backing, 'global'), ['ada 1', 'batch 1', 'batch 2', 'batch 3', 'batch 4']);
});

t.test('--rate spreads the updates over time', async (t) => {
  const { enqueue } = await withTools(t);
  const lines = toLines([1, 2, 3, 4, 5, 6].map((counter) => setCell(counter, counter, 0.5)));
  const { summary } = await enqueue(['-', '--device', 'slow', '--rate', '2', '--no-wait'], lines);
  t.match(summary, { accepted: 6, jobs: 3 });
  t.ok(summary.seconds >= 2, `${summary.seconds} s`);
});

t.test('enqueue reports a job that can never be applied and waits for the others', async (t) => {
  const { backing, enqueue } = await withTools(t);
  await backing.db.raw(`ALTER TABLE field_updates ADD CHECK ((device_id, counter) <> ('ada', 1))`);
  const worker = await withWorker(t, backing);
  const updates = [putParticle(1, 'refused'), putParticle(2, 'star')];
  const { code, stderr, summary } = await enqueue(['-', '--device', 'ada', '--batch', '1'], toLines(updates));
  t.equal(code, 1);
  t.match(summary, { accepted: 2, applied: 1, refused: 1, complete: true });
  t.same(summary.particles, { written: 1, held: 1, inField: 1 }, 'what was refused was not written');
  t.match(stderr, /standard input:1: can never be applied: .*check constraint/);
  await worker.stop();

  // More failed jobs than the command reads at a time.
  await withRejectingWorker(t, backing);
  const many = Array.from({ length: 450 }, (_, index) => setCell(index + 1, 20, 0.5));
  const all = await enqueue(['-', '--device', 'bob', '--batch', '1'], toLines(many));
  t.match(all.summary, { accepted: 450, applied: 0, refused: 450, complete: true });
});

/** A worker that refuses every job, whatever is in it. */
async function withRejectingWorker(t: Test, { config }: Backing): Promise<void> {
  const reject = async () => {
    throw new UnrecoverableError('refused');
  };
  const { connection, close } = openWorkerConnection(
    config.QUEUE_REDIS_URL,
    createLogger({ name: 'test', level: 'silent' }),
  );
  t.teardown(close);
  const worker = new Worker(updatesQueue, reject, {
    connection,
    prefix: queuePrefix(config.QUEUE_PREFIX),
    concurrency: 50,
  });
  worker.on('error', () => undefined);
  t.teardown(() => worker.close());
}

t.test('enqueue exits with code 3 when the queue is unavailable', async (t) => {
  const { backing, field } = await withTools(t);
  await backing.producer.enqueue(jobOf(asField('global'), ada, [setCell(1, 1, 0.5)]));
  const env = { QUEUE_REDIS_URL: 'redis://:secret@127.0.0.1:1' };
  const { code, stdout, stderr } = await field(['enqueue', '-'], { input: toLines([setCell(1, 1, 1)]), env });
  t.equal(code, 3);
  t.equal(stdout, '');
  t.match(stderr, /^The Redis of the queue at 127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED.*\n.*QUEUE_REDIS_URL/);
  t.notMatch(stderr, 'secret');
});
