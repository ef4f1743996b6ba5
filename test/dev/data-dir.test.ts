import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openDataDir } from '../../dev/data-dir.ts';
import { acquireDataDirLock } from '../../dev/data-dir-lock.ts';
import { recordProcess } from '../../dev/processes/pid-files.ts';
import { identify } from '../../dev/processes/process-identity.ts';
import { testProcess } from '../support/processes/modules.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';

const silent = () => {};

/** Starts a process that runs until it is stopped. */
function startBystander(t: Test): ChildProcess & { pid: number } {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60000)'], { stdio: 'ignore', detached: true });
  t.teardown(() => child.kill('SIGKILL'));
  const { pid } = child;
  if (pid === undefined) throw new Error('node could not be started');
  return Object.assign(child, { pid });
}

t.test('secrets are generated once, readable only by their owner and kept between runs', async (t) => {
  const folder = join(await withFolder(t), 'data');
  const first = await openDataDir(folder, silent);
  first.release();
  const second = await openDataDir(folder, silent);
  second.release();
  t.same(second.secrets, first.secrets);
  t.ok(first.secrets.jwtSecret.length >= 32);
  t.equal((await stat(join(folder, 'secrets.json'))).mode & 0o777, 0o600);
  t.equal(await readFile(join(folder, '.gitignore'), 'utf8'), '*\n');
});

t.test('opening a folder whose owner is running fails and names its process id', async (t) => {
  const folder = await withFolder(t);
  const owner = startBystander(t);
  await writeFile(join(folder, 'lock.json'), JSON.stringify({ ...identify(owner.pid), launchers: [] }));
  await t.rejects(openDataDir(folder, silent), { message: new RegExp(`pid ${owner.pid}.*FIELD_DATA_DIR`) });
});

t.test('the lock is taken over from a dead owner, a reused process id and a truncated file', async (t) => {
  const folder = await withFolder(t);
  const living = startBystander(t);
  const dead = startBystander(t);
  const deadOwner = identify(dead.pid);
  dead.kill('SIGKILL');
  await waitUntil('the owner is dead', () => dead.signalCode);
  const recycled = { ...identify(living.pid), startedAt: 'long ago' };
  for (const left of [
    JSON.stringify({ ...deadOwner, launchers: [] }),
    JSON.stringify({ ...recycled, launchers: [] }),
    '{"pi',
  ]) {
    await writeFile(join(folder, 'lock.json'), left);
    const release = await acquireDataDirLock(folder, [], silent);
    t.match(JSON.parse(await readFile(join(folder, 'lock.json'), 'utf8')), { pid: process.pid });
    release();
    await t.rejects(stat(join(folder, 'lock.json')), { code: 'ENOENT' });
  }
  t.equal(living.exitCode ?? living.signalCode, null, 'the process that reuses the id keeps running');
});

t.test('an owner whose npm was killed is stopped before the lock is taken over', async (t) => {
  const folder = await withFolder(t);
  const owner = startBystander(t);
  const launcher = { pid: owner.pid, startedAt: 'long ago' };
  await writeFile(join(folder, 'lock.json'), JSON.stringify({ ...identify(owner.pid), launchers: [launcher] }));
  const release = await acquireDataDirLock(folder, [], silent);
  t.equal(owner.signalCode, 'SIGTERM');
  release();
});

t.test('processes that a killed owner has left running are stopped in the reverse order of their start', async (t) => {
  const folder = await withFolder(t);
  const runFolder = join(folder, 'run');
  await mkdir(runFolder);
  const [first, second] = [startBystander(t), startBystander(t)];
  const ended: string[] = [];
  first.on('exit', () => ended.push('first'));
  second.on('exit', () => ended.push('second'));
  recordProcess(runFolder, { name: 'first', pid: first.pid, stopSignal: 'SIGINT', graceMs: 5000 });
  recordProcess(runFolder, { name: 'second', pid: second.pid, stopSignal: 'SIGTERM', graceMs: 5000 });
  const said: string[] = [];
  const data = await openDataDir(folder, (line) => said.push(line));
  data.release();
  await waitUntil('both have ended', () => ended.length === 2);
  t.same(ended, ['second', 'first']);
  t.match(said.join(), `second (pid ${second.pid}), first (pid ${first.pid})`);
});

t.test('of several processes that start at the same time, exactly one gets the folder', async (t) => {
  const folder = await withFolder(t);
  const contenders = Array.from({ length: 4 }, () => {
    const child = spawn(process.execPath, [testProcess('test/support/processes/lock-owner'), folder], {
      stdio: 'pipe',
    });
    t.teardown(() => child.kill('SIGKILL'));
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += String(chunk);
    });
    return { answer: () => /(owner|refused)/.exec(said)?.[1] };
  });
  const allAnswers = () => {
    const given = contenders.map(({ answer }) => answer());
    return given.every(Boolean) && given;
  };
  // The deadline is longer than the default, because four processes have to start first.
  const answers = await waitUntil('all have answered', allAnswers, { timeoutMs: 60_000 });
  t.same(answers.filter((answer) => answer === 'owner').length, 1);
});
