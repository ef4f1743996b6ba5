/** Settings that are part of the rules: processes with other values than the installation do not start. */
import t, { type Test } from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { withApi } from '../api/support/with-app.ts';
import { settingsOf, withField } from '../cli/run-field.ts';
import { runUntilExit } from '../support/processes/run-until-exit.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { withoutPooler } from '../support/servers/servers.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const long = { timeoutMs: 60_000 };
const garden = asField('garden');
const secret = { JWT_SECRET: 'a secret for tests alone, of more than 32 bytes' };

/** Starts a worker as a process and waits until it consumes jobs. */
async function startWorkerProcess(t: Test, backing: Backing, env: Record<string, string>) {
  const port = String(await findFreePort());
  const worker = await withProcess(t, 'workers', backing, { ...env, METRICS_PORT: port });
  await waitUntil('the worker is ready', async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok, long);
  return worker;
}

async function startApiProcess(t: Test, backing: Backing, env: Record<string, string>) {
  const port = String(await findFreePort());
  const api = await withProcess(t, 'api', backing, { ...env, PORT: port });
  await waitUntil('the API is ready', async () => (await fetch(`http://127.0.0.1:${port}/api/health/ready`)).ok, long);
  return api;
}

t.test('processes with another grid than the installation do not start and say both sizes', async (t) => {
  const backing = await withBacking(t);
  await startWorkerProcess(t, backing, { GRID_SIZE: '20' });
  const settings = { ...settingsOf(backing), ...secret, BACKUP_EVERY_HOURS: '0', PORT: '0' };
  const message =
    /GRID_SIZE is 1000, but 20 in this installation: set GRID_SIZE=20, or .*`npx consciousness-field rules set GRID_SIZE 1000`/;
  for (const component of ['api', 'workers'] as const) {
    const { code, output } = await runUntilExit(component, { ...settings, GRID_SIZE: '1000' });
    t.equal(code, 1, component);
    t.match(output, message, component);
  }
  const field = await withField(t, { ...settings, GRID_SIZE: '1000' });
  const input = `${JSON.stringify({ device: 'ada', ...setCell(1, 500, 0.5) })}\n`;
  t.match(await field(['enqueue', '-'], { input }), { code: 2, stderr: message });
  t.equal(await backing.producer.countBacklog(), 0, 'nothing was sent');
  await startApiProcess(t, backing, { GRID_SIZE: '20' });
});

t.test('an API that is older than the first worker exits if that has another grid', async (t) => {
  const backing = await withBacking(t);
  const api = await startApiProcess(t, backing, { GRID_SIZE: '40' });
  await startWorkerProcess(t, backing, { GRID_SIZE: '20' });
  t.equal(await api.exited, 'code 1');
});

t.test('only workers compare the retention', async (t) => {
  const backing = await withBacking(t);
  const worker = await startWorkerProcess(t, backing, { LOG_RETENTION_DAYS: '90' });
  await worker.stop();
  const settings = { ...settingsOf(backing), ...secret, BACKUP_EVERY_HOURS: '0' };
  const { code, output } = await runUntilExit('workers', { ...settings, LOG_RETENTION_DAYS: '3' });
  t.equal(code, 1);
  t.match(output, /LOG_RETENTION_DAYS is 3, but 90 in this installation/);
  await startApiProcess(t, backing, { LOG_RETENTION_DAYS: '3' });

  const field = await withField(t, settings);
  t.match(await field(['rules', 'set', 'LOG_RETENTION_DAYS', '3']), { code: 1, stderr: /Refused: .*deleted.*--yes/s });
  t.match(await field(['rules', 'set', 'LOG_RETENTION_DAYS', '3', '--yes', '--json']), {
    code: 0,
    stdout: '{"name":"LOG_RETENTION_DAYS","before":90,"value":3}\n',
  });
});

t.test('a grid that has grown is used by running workers, whatever their environment says', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const field = await withField(t, settingsOf(backing));
  t.match(await field(['rules']), { code: 0, stdout: /^GRID_SIZE +not recorded +30$/m });
  t.equal((await field(['rules', 'set', 'GRID_SIZE', '50', '--yes'])).code, 0);
  t.match(await field(['rules']), { code: 0, stdout: /^GRID_SIZE +50 +30$/m });
  const api = await withApi(t, backing, { GRID_SIZE: '50' });
  const body = { updates: [setCell(1, 49, 0.5)] };
  const token = await api.createToken();
  const sent = await api.request('/api/fields/garden/updates', { token, body, headers: { prefer: 'wait=20' } });
  t.match(sent, { status: 200, body: { results: [{ outcome: 'applied' }] } });
});

t.test('a grid shrinks only if nothing is or can come outside', withoutPooler, async (t) => {
  const backing = await withBacking(t, { GRID_SIZE: '50' });
  const field = await withField(t, settingsOf(backing));
  const shrink = (size: number) => field(['rules', 'set', 'GRID_SIZE', String(size)]);
  t.equal((await shrink(50)).code, 0);
  await backing.producer.enqueue(jobOf(garden, asDevice('ada'), [setCell(1, 7, 0.5), setCell(2, 39, 0.5)]));
  t.match(await shrink(45), { code: 1, stderr: 'Refused: the queue has unfinished jobs (1)' });

  const worker = await withWorker(t, backing);
  await waitForVersion(backing, garden, 2);
  await worker.stop();
  t.match(await shrink(39), { code: 1, stderr: /Refused: the field garden has the cell 39,0, .* at least 40/ });
  const api = await startApiProcess(t, backing, {});
  t.match(await shrink(45), { code: 1, stderr: 'Refused: processes are connected (field-api)' });
  await api.stop();
  t.match(await shrink(40), { code: 0, stdout: /GRID_SIZE is 40 .*before: 50/ });

  t.match(await field(['rules', 'set', 'GRID_SIZE', '0']), { code: 2, stderr: /^GRID_SIZE: / });
  t.match(await field(['rules', 'set', 'MAX_BACKLOG', '5']), { code: 2, stderr: /GRID_SIZE, LOG_RETENTION_DAYS/ });
});

t.test('the first worker refuses a grid that is too small for the cells that exist', async (t) => {
  const backing = await withBacking(t, { GRID_SIZE: '50' });
  const worker = await withWorker(t, backing);
  await backing.producer.enqueue(jobOf(garden, asDevice('ada'), [setCell(1, 39, 0.5)]));
  await waitForVersion(backing, garden, 1);
  await worker.stop();
  const settings = { ...settingsOf(backing), ...secret, BACKUP_EVERY_HOURS: '0' };
  const { code, output } = await runUntilExit('workers', { ...settings, GRID_SIZE: '30' });
  t.equal(code, 1);
  t.match(output, /GRID_SIZE is 30, but the field garden has the cell 39,0, for which GRID_SIZE must be at least 40/);
  await startWorkerProcess(t, backing, { GRID_SIZE: '40' });
});
