/**
 * `npm test`: starts one PostgreSQL for all tests (each creates its own database), finds a Redis server (each test starts
 * its own), runs tap with the given arguments, and prints `N passed, N failed` as its last line.
 * `--unit` runs the tests that need no servers. With TEST_PGBOUNCER=1 the tests reach PostgreSQL through a pgbouncer in
 * transaction mode.
 */
import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startPostgres } from '../dev/postgres/server.ts';
import { findFreePort } from '../dev/processes/free-port.ts';
import { startOrphanReaper } from '../dev/processes/node-process.ts';
import { stopRecordedProcesses } from '../dev/processes/pid-files.ts';
import { createProcessGroup } from '../dev/processes/process-group.ts';
import { findOrInstallRedis } from '../dev/redis/install.ts';
import { onShutdownSignals } from '../shared/process/shutdown-signals.ts';
import { startPooler } from './support/servers/pooler.ts';

const printLine = (line: string) => console.log(line);
const stack = createProcessGroup();
const folder = await mkdtemp(join(tmpdir(), 'field-test-'));
await chmod(folder, 0o711); // As root, PostgreSQL runs as another user, who must come through.
const runFolder = join(folder, 'run');
const tapOutput = join(folder, 'output');

const tapCommand = fileURLToPath(new URL('../node_modules/.bin/tap', import.meta.url));
const isUnit = process.argv.includes('--unit');
const ownArguments = isUnit
  ? ['test/unit', ...process.argv.slice(2).filter((arg) => arg !== '--unit')]
  : process.argv.slice(2);
// tap expands folders only for the file types of its plugins.
const tapArguments = ownArguments.map((argument) =>
  existsSync(argument) && statSync(argument).isDirectory() ? `${argument}/**/*.test.ts` : argument,
);

async function main(): Promise<number> {
  await startOrphanReaper(stack.start, runFolder);
  await buildTap();
  const servers = isUnit ? {} : await startServers();
  const tap = await stack.start({
    name: 'tap',
    command: process.execPath,
    args: [tapCommand, 'run', `--output-dir=${tapOutput}`, ...tapArguments],
    env: { ...process.env, NODE_ENV: 'test', TEST_FOLDER: folder, ...servers },
    output: 'inherit',
    stopSignal: 'SIGTERM',
    graceMs: 2000,
    recordIn: runFolder,
  });
  const ended = await tap.exited;
  return /^code \d+$/.test(ended) ? Number(ended.slice('code '.length)) : 1;
}

/** tap compiles its plugins into node_modules. A fresh installation has the default ones instead of those in `.taprc`. */
async function buildTap(): Promise<void> {
  const built = new URL('../node_modules/@tapjs/test/test-built/dist/esm/index.js', import.meta.url);
  if (!(await readFile(built, 'utf8')).includes('@tapjs/typescript')) return;
  await promisify(execFile)(process.execPath, [tapCommand, 'build']);
}

/** @returns what tests read from the environment to reach the servers */
async function startServers(): Promise<Record<string, string>> {
  const redis = await findOrInstallRedis({ folder, start: stack.start, printLine });
  const unsafeButQuick = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
  // Lets tests count the statements that reach PostgreSQL.
  const settings = [...unsafeButQuick, 'shared_preload_libraries=pg_stat_statements'];
  const port = await findFreePort();
  const postgres = await startPostgres({ folder, port, password: 'test', settings, start: stack.start, printLine });
  const urls = { TEST_DATABASE_URL: postgres.url('postgres'), TEST_REDIS_SERVER: redis };
  if (!process.env.TEST_PGBOUNCER) return urls;
  const poolerPort = await startPooler({ folder, postgresPort: port, password: 'test', start: stack.start });
  return { ...urls, TEST_POOLER_PORT: String(poolerPort) };
}

/** Counts the tests, not their assertions. A file that crashed or timed out between two of them counts as one failed. */
async function countTests(exitCode: number): Promise<{ passed: number; failed: number }> {
  const files = await readdir(tapOutput, { recursive: true, withFileTypes: true }).catch(() => []);
  const reports = files
    .filter((file) => file.isFile())
    .map((file) => readFile(join(file.parentPath, file.name), 'utf8'));
  const points = (await Promise.all(reports)).join('\n').match(/^(not )?ok \d+(?!.*# (SKIP|TODO)).*$/gim) ?? [];
  const failed = points.filter((point) => point.startsWith('not')).length;
  return { passed: points.length - failed, failed: Math.max(failed, exitCode === 0 ? 0 : 1) };
}

async function cleanUp(): Promise<void> {
  await stack.stop();
  await stopRecordedProcesses(runFolder); // Servers of tests that were cut off.
  await rm(folder, { recursive: true, force: true });
}

onShutdownSignals(
  () => void stack.stop(),
  () => void stack.forceStop(),
);
let exitCode = 1;
try {
  exitCode = await main();
} catch (error) {
  if (!stack.isStopping) console.error(error);
}
const { passed, failed } = await countTests(exitCode);
if (exitCode === 0 && passed === 0) exitCode = 1;
await cleanUp();
printLine(`${passed} passed, ${failed} failed`);
process.exit(exitCode);
