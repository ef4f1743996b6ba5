/** The client in Python, with the vectors and with a real server. Skipped where there is no python3. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { packageFile } from '../../shared/process/package-files.ts';
import { withField } from '../client/with-client.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withFolder } from '../support/with-folder.ts';

const cwd = fileURLToPath(packageFile('examples/python/'));
const skip = hasPython() ? false : 'python3 is not installed';
const api = skip ? undefined : await withField(t);

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function python(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  const options = { cwd, env: { ...process.env, FIELD_URL: api?.address ?? '', ...env } };
  const run = promisify(execFile)('python3', ['-W', 'error', ...args], options);
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

t.test('its own tests pass, also those with a server', { skip }, async (t) => {
  const { code, stderr } = await python(['-m', 'unittest', 'discover', '-s', 'tests', '-t', '.']);
  t.equal(code, 0, stderr);
  t.notMatch(stderr, /skipped/);
});

t.test('the command edits, watches, and shows what is not sent', { skip }, async (t) => {
  const folder = await withFolder(t);
  const field = (command: readonly string[], env = {}) =>
    python(['-m', 'field_client', '--field', 'python', '--folder', folder, ...command], env);
  const watch = ['-m', 'field_client', '--field', 'python', '--folder', folder, 'watch'];
  const watcher = spawn('python3', watch, { cwd, env: { ...process.env, FIELD_URL: api?.address } });
  t.teardown(() => void watcher.kill('SIGKILL'));
  let printed = '';
  watcher.stdout.on('data', (chunk) => {
    printed += String(chunk);
  });
  await waitUntil('it has the state', () => printed.includes('"snapshot": "start"'), { timeoutMs: 60_000 });

  const set = await field(['set', '3,4=0.5', '0,0=1', '--wait', '60']);
  t.match(JSON.parse(set.stdout), { counter: 1, status: 'applied', version: 1 });
  const put = await field(['put', 'star', '--position=-1,2', '--content', 'é ✨', '--connect', 'a', '--connect', 'b']);
  t.match(JSON.parse(put.stdout), { counter: 2, kind: 'particle.put' });
  await waitUntil('it has printed the particle', () => printed.includes('"content": "é ✨"'), { timeoutMs: 60_000 });
  t.match(printed, '"cells": {"3,4": 0.5, "0,0": 1}');

  const status = JSON.parse((await field(['status'])).stdout);
  t.match(status, { outbox: [], server: { version: 2, field: 'python' } });
  t.match(await field(['set', '0,0=2']), { code: 2, stderr: /not valid at \/cells\/0\/value/ });
  t.match(await field(['set', 'x']), { code: 2 });
  watcher.kill('SIGINT');
  const [code] = await once(watcher, 'exit');
  t.equal(code, 0, 'Ctrl-C ends it');
});

t.test('edits of a process that was killed are sent exactly once by the next', { skip }, async (t) => {
  const folder = await withFolder(t);
  const args = ['-m', 'field_client', '--field', 'killed', '--folder', folder];
  const count = 5;
  const program = [
    'import sys, time',
    'from pathlib import Path',
    'from field_client import FieldClient',
    `client = FieldClient(sys.argv[1], "killed", Path(sys.argv[2]))`,
    `for x in range(${count}): client.set_cells({(x, 0): 0.5})`,
    'print(client.pending, flush=True)',
    'time.sleep(600)',
  ].join('\n');
  const child = spawn('python3', ['-c', program, api?.address ?? '', folder], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => void child.kill('SIGKILL'));
  const [pending] = await once(child.stdout, 'data');
  t.equal(Number(pending), count);
  t.match(await python([...args, 'set', '9,0=1']), { code: 1, stderr: /Another process uses/ });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const run = await python([...args, 'set', '9,0=1', '--wait', '60']);
  t.match(JSON.parse(run.stdout), { counter: count + 1, status: 'applied', version: count + 1 });
});
