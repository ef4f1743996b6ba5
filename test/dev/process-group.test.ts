import { readFile } from 'node:fs/promises';
import t from 'tap';
import type { ProcessOptions } from '../../dev/processes/child-process.ts';
import { createProcessGroup } from '../../dev/processes/process-group.ts';
import { identify } from '../../dev/processes/process-identity.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';

function script(name: string, code: string, more: Partial<ProcessOptions> = {}): ProcessOptions {
  return {
    name,
    command: process.execPath,
    args: ['-e', code],
    env: process.env,
    output: 'ignore',
    stopSignal: 'SIGTERM',
    graceMs: 10_000,
    ...more,
  };
}

const waitForever = 'setInterval(() => {}, 60000)';

t.test('processes are stopped one after the other in the reverse order of their start', async (t) => {
  const stack = createProcessGroup();
  t.teardown(() => stack.forceStop());
  const ended: string[] = [];
  for (const name of ['postgres', 'redis', 'worker']) {
    const child = await stack.start(script(name, waitForever));
    void child.exited.then(() => ended.push(name));
  }
  await Promise.all([stack.stop(), stack.stop()]);
  t.same(ended, ['worker', 'redis', 'postgres']);
});

t.test('a process group that has stopped starts no more processes', async (t) => {
  const stack = createProcessGroup();
  await stack.stop();
  await t.rejects(stack.start(script('late', waitForever)), { message: /late was not started/ });
});

t.test('a process that does not stop in time is killed together with its children', async (t) => {
  const stack = createProcessGroup();
  const folder = await withFolder(t);
  const code = `process.on('SIGTERM', () => {});
    const { pid } = require('node:child_process').spawn(process.execPath, ['-e', '${waitForever}']);
    require('node:fs').writeFileSync(${JSON.stringify(`${folder}/pid`)}, String(pid));
    ${waitForever}`;
  const stubborn = await stack.start(script('stubborn', code, { graceMs: 1500 }));
  t.teardown(() => stack.forceStop());
  const grandchild = await waitUntil(
    'the grandchild runs',
    async () => Number(await readFile(`${folder}/pid`, 'utf8')) || undefined,
  );
  await stack.stop();
  t.equal(await stubborn.exited, 'signal SIGKILL');
  await waitUntil('the grandchild is gone', () => identify(grandchild) === undefined);
});

t.test('forceStop kills every process immediately', async (t) => {
  const stack = createProcessGroup();
  const deaf = `process.on('SIGTERM', () => {}); ${waitForever}`;
  const children = [await stack.start(script('one', deaf)), await stack.start(script('two', deaf))];
  await stack.forceStop();
  t.same(
    children.map((child) => child.isRunning),
    [false, false],
  );
});

t.test('starting a command that does not exist fails and names the process', async (t) => {
  const stack = createProcessGroup();
  await t.rejects(stack.start({ ...script('nothing', ''), command: '/does/not/exist' }), {
    message: /nothing could not/,
  });
  await stack.stop();
});
