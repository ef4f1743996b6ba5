import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { type Backing, withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitForVersion } from '../../support/read-back.ts';
import { asField, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { withFolder } from '../../support/with-folder.ts';
import { settingsOf, withField } from '../run-field.ts';

const global = asField('global');
const lineOf = (counter: number) =>
  `${JSON.stringify({ device: `device-${counter % 3}`, ...setCell(counter, counter % 30, (counter % 7) / 7) })}\n`;
const linesOf = (count: number) => Array.from({ length: count }, (_, index) => lineOf(index + 1)).join('');

/** Counts the logged updates, and their distinct pairs of device and counter. */
async function readDistinct({ db }: Backing): Promise<{ rows: number; distinct: number }> {
  const { rows } = await db.raw(
    'select count(*)::int as rows, count(distinct (device_id, counter))::int as distinct from field_updates',
  );
  return rows[0];
}

t.test('enqueue reports its progress when stopped by Ctrl-C, and a second run sends the rest', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const field = await withField(t, settingsOf(backing));
  const lines = linesOf(300);
  const { stdin, interrupt, ended, stderr } = field.start(['enqueue', '-', '--json']);
  // The input stays open, so only the interrupt ends the command.
  stdin.write(lines.slice(0, lines.indexOf(lineOf(101))));
  await waitForVersion(backing, global, 100);
  interrupt();
  const { code, stdout } = await ended;
  t.equal(code, 130);
  t.match(JSON.parse(stdout), { lines: 100, accepted: 100, applied: 100, complete: false, version: 100 });
  t.match(stderr(), /Stopping once the updates in flight are applied/);
  t.match(stderr(), /Run the same command again to continue/);

  const again = await field(['enqueue', '-', '--json'], { input: lines });
  t.equal(again.code, 0, again.stderr);
  t.match(JSON.parse(again.stdout), { lines: 300, accepted: 200, applied: 200, duplicates: 100, version: 300 });
  t.same(await readDistinct(backing), { rows: 300, distinct: 300 });
});

t.test('enqueue stops without waiting when no worker is running, and a second run duplicates nothing', async (t) => {
  const backing = await withBacking(t, { MAX_BACKLOG: '400' });
  const folder = await withFolder(t);
  const file = join(folder, 'many.ndjson');
  await writeFile(file, linesOf(1000));
  const field = await withField(t, { ...settingsOf(backing), MAX_BACKLOG: '400' });
  const { interrupt, ended } = field.start(['enqueue', file, '--json', '--batch', '5', '--priority', 'normal']);
  const waiting = await waitUntil('the queue is filled', async () => {
    const count = await backing.producer.countBacklog();
    return count > 100 && count;
  });
  interrupt();
  const { code, stdout } = await ended;
  t.equal(code, 130);
  const stopped = JSON.parse(stdout);
  t.match(stopped, { applied: 0, complete: false });
  t.ok(stopped.accepted < 1000, `${stopped.accepted} of 1000 were accepted, in ${waiting} jobs`);

  await withWorker(t, backing);
  const again = await field(['enqueue', file, '--json']);
  t.equal(again.code, 0, again.stderr);
  t.match(JSON.parse(again.stdout), { lines: 1000, complete: true, version: 1000, reused: 0 });
  t.same(await readDistinct(backing), { rows: 1000, distinct: 1000 });
});

t.test('a run can be paused, resumed and cancelled by another command', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const field = await withField(t, settingsOf(backing));
  const lines = linesOf(30);
  const half = lines.indexOf(lineOf(11));
  const { stdin, ended, stderr } = field.start(['enqueue', '-', '--json', '--name', 'by hand']);
  stdin.write(lines.slice(0, half));
  await waitForVersion(backing, global, 10);
  const listRuns = async () => JSON.parse((await field(['runs', '--json'])).stdout).runs;
  const [run] = await listRuns();
  t.match(run, { name: 'by hand', field: 'global', status: 'running' });

  t.match(await field(['runs', 'resume', run.id]), { code: 1, stderr: /is running, and only one that is paused/ });
  t.match(await field(['runs', 'pause', run.id]), { code: 0, stdout: /is paused/ });
  await waitUntil('the run is paused', () => stderr().includes('has paused the run'));
  stdin.write(lines.slice(half, lines.indexOf(lineOf(21))));
  t.match(await field(['runs', 'resume', run.id, '--json']), { code: 0, stdout: /"status":"running"/ });
  await waitForVersion(backing, global, 20);
  t.match(stderr(), 'has resumed the run');

  t.match(await field(['runs', 'cancel', run.id]), { code: 0 });
  const { code, stdout } = await ended;
  t.equal(code, 130);
  t.match(JSON.parse(stdout), { run: run.id, accepted: 20, applied: 20, complete: false });
  t.match(await listRuns(), [{ id: run.id, status: 'cancelled', counts: { accepted: 20 } }]);
  t.match(await field(['runs']), { code: 0, stdout: /by hand +global .* cancelled +20 +20 +0\n1 run/ });
  t.match(await field(['enqueue', '-'], { input: lines }), { code: 0 });
  t.match((await listRuns())[0], { name: 'standard input', status: 'finished', counts: { duplicates: 20 } });
  const actions = await backing.db('operator_actions').where({ target: run.id }).orderBy('at');
  t.same(
    actions.map(({ action }) => action),
    ['runs.resume', 'runs.pause', 'runs.resume', 'runs.cancel'],
  );
});

t.test('a run that is cancelled sends nothing more, also of what it has read', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const field = await withField(t, settingsOf(backing));
  const { ended } = field.start(['enqueue', '-', '--json', '--rate', '5'], { input: linesOf(200) });
  await waitForVersion(backing, global, 5);
  const [{ id }] = JSON.parse((await field(['runs', '--json'])).stdout).runs;
  t.match(await field(['runs', 'cancel', id]), { code: 0 });
  const { accepted, applied, complete } = JSON.parse((await ended).stdout);
  t.notOk(complete);
  t.ok(accepted < 200, `${accepted} of 200 were sent`);
  t.equal(applied, accepted);
});

t.test('enqueue retries during an outage of the queue and completes afterwards', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const field = await withField(t, settingsOf(backing));
  const lines = linesOf(200);
  const half = lines.indexOf(lineOf(101));
  const { stdin, ended, stderr } = field.start(['enqueue', '-', '--json']);
  stdin.write(lines.slice(0, half));
  await waitForVersion(backing, global, 100);
  await backing.redis.kill9();
  stdin.end(lines.slice(half));
  await waitUntil('the outage is noticed', () => stderr().includes("The queue's Redis is unreachable, retrying"));
  await backing.redis.start();
  const { code, stdout } = await ended;
  t.equal(code, 0, stderr());
  t.match(JSON.parse(stdout), { lines: 200, accepted: 200, applied: 200, version: 200, complete: true });
  t.same(await readDistinct(backing), { rows: 200, distinct: 200 });
});

t.test('a second Ctrl-C ends enqueue immediately without a summary', async (t) => {
  const backing = await withBacking(t);
  const field = await withField(t, settingsOf(backing));
  const { child, ended, stderr } = field.spawn(['enqueue', '-']);
  child.stdin?.write(linesOf(10));
  // The deadline is longer than the default, because the binary has to start first.
  const isQueued = async () => (await backing.producer.countBacklog()) > 0;
  await waitUntil('the updates wait in the queue', isQueued, { timeoutMs: 60_000 });
  child.kill('SIGINT');
  await waitUntil('enqueue is stopping', () => stderr().includes('Stopping once'));
  // A signal within a second of the first is ignored, because npm and the terminal both forward one key press.
  const force = setInterval(() => child.kill('SIGINT'), 300);
  t.teardown(() => clearInterval(force));
  await once(child, 'exit');
  const { code, stdout } = await ended;
  t.equal(code, 130);
  t.equal(stdout, '', 'there is no summary');
});
