import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { listLiveRecords } from '../../dev/processes/pid-files.ts';
import { isAlive } from '../../dev/processes/process-identity.ts';
import { npmStart, startOfCheckout } from '../support/processes/npm-start.ts';
import { withFolder } from '../support/with-folder.ts';

const recorded = (folder: string) => listLiveRecords(join(folder, 'run'));

t.test('npm start starts every process, and data survives a kill -9', async (t) => {
  const folder = join(await withFolder(t), 'data');
  const first = npmStart(t, folder, {}, startOfCheckout);
  const { url, token } = await first.ready();
  t.equal((await fetch(`${url}/api/health/ready`)).status, 200);
  const [, body] = /-d '(.*)'$/m.exec(first.output()) ?? [];
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer: 'wait=20' };
  const answer = await fetch(`${url}/api/fields/global/updates`, { method: 'POST', headers, body });
  t.equal(answer.status, 200, 'the update of the printed curl command is applied');

  const running = recorded(folder);
  t.same(running.map(({ name }) => name).sort(), ['api', 'postgres', 'redis', 'worker']);
  first.kill('SIGKILL');
  await first.exited();
  const second = npmStart(t, folder, { GRID_SIZE: '40' });
  const again = await second.ready();
  t.match(second.output(), 'GRID_SIZE is 40 now (before: 30)', 'a changed setting applies to the own database');
  t.notOk(running.some(isAlive), 'no process of the first run is left');
  const state = await fetch(`${again.url}/api/fields/global`, { headers });
  t.match(await state.json(), { version: 1, memoryParticles: [{ id: 'hello' }] }, 'the old token is still valid');

  await t.test('a second npm start with the same folder fails', async (t) => {
    const third = npmStart(t, folder);
    t.equal(await third.exited(), '1');
    t.match(third.output(), /Another npm start \(pid \d+\) uses/);
  });

  const last = recorded(folder);
  t.equal(last.length, 4);
  second.kill('SIGINT');
  t.equal(await second.exited(), '0');
  t.notOk(last.some(isAlive), 'Ctrl-C leaves no process');
  t.notOk(readdirSync(folder).includes('lock.json'));
});

t.test('in production npm start starts nothing and lists the missing settings', async (t) => {
  const folder = join(await withFolder(t), 'data');
  const start = npmStart(t, folder, { NODE_ENV: 'production' });
  t.equal(await start.exited(), '1');
  t.match(start.output(), /DATABASE_URL is missing[\s\S]*QUEUE_REDIS_URL is missing[\s\S]*CACHE_REDIS_URL is missing/);
  t.throws(() => readdirSync(folder), { code: 'ENOENT' });
});

t.test('when the worker dies, npm start stops every other process and exits with code 1', async (t) => {
  const folder = join(await withFolder(t), 'data');
  const start = npmStart(t, folder);
  await start.ready();
  const running = recorded(folder);
  const worker = running.find(({ name }) => name === 'worker');
  if (!worker) throw new Error('no worker is recorded');
  process.kill(worker.pid, 'SIGKILL');
  t.equal(await start.exited(), '1');
  t.match(start.output(), /The worker ended \(signal SIGKILL\)/);
  t.notOk(running.some(isAlive));
});
