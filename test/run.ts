/**
 * `npm test`: builds the package and the tests, starts one PostgreSQL for all tests (each creates its own database), finds a
 * Redis server (each test starts its own), runs the given files and folders with the given options of tap, and prints
 * `N passed, N failed` as its last line.
 * `--unit` runs the tests that need no servers. With TEST_PGBOUNCER=1 the tests reach PostgreSQL through a pgbouncer in
 * transaction mode.
 */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../dev/postgres/server.ts';
import { findFreePort } from '../dev/processes/free-port.ts';
import { startOrphanReaper } from '../dev/processes/node-process.ts';
import { stopRecordedProcesses } from '../dev/processes/pid-files.ts';
import { createProcessGroup } from '../dev/processes/process-group.ts';
import { findOrInstallRedis } from '../dev/redis/install.ts';
import { onShutdownSignals } from '../shared/process/shutdown-signals.ts';
import { buildForTests } from './runner/build.ts';
import { findTestFiles } from './runner/find-test-files.ts';
import type { TestCounts } from './runner/run-files.ts';
import { testProcesses } from './support/processes/modules.ts';
import { startPooler } from './support/servers/pooler.ts';
import { copyOriginal, createOriginal, testPassword } from './support/servers/postgres-folder.ts';

const printLine = (line: string) => console.log(line);
const stack = createProcessGroup();
const folder = await mkdtemp(join(tmpdir(), 'field-test-'));
await chmod(folder, 0o711); // As root, PostgreSQL runs as another user, who must come through.
const runFolder = join(folder, 'run');
const buildFolder = join(folder, 'build');
const runner = fileURLToPath(new URL('./runner/run-files.ts', import.meta.url));
const countsFile = join(folder, 'counts.json');

const isUnit = process.argv.includes('--unit');
const ownArguments = process.argv.slice(2).filter((argument) => argument !== '--unit');
const options = ownArguments.filter((argument) => argument.startsWith('-'));
const paths = ownArguments.filter((argument) => !argument.startsWith('-'));

async function main(): Promise<number> {
  const files = findTestFiles(paths.length > 0 ? paths : [isUnit ? 'test/unit' : 'test']);
  await startOrphanReaper(stack.start, runFolder);
  const [servers] = await Promise.all([
    isUnit ? {} : startServers(),
    buildForTests([...files, ...testProcesses.map((name) => `${name}.ts`)], buildFolder),
  ]);
  const tap = await stack.start({
    name: 'tap',
    command: process.execPath,
    args: ['--import', import.meta.resolve('tsx'), runner, ...options, ...files],
    env: {
      ...process.env,
      NODE_ENV: 'test',
      TEST_FOLDER: folder,
      TEST_BUILD: buildFolder,
      TEST_COUNTS: countsFile,
      ...servers,
    },
    output: 'inherit',
    stopSignal: 'SIGTERM',
    graceMs: 2000,
    recordIn: runFolder,
  });
  const ended = await tap.exited;
  return /^code \d+$/.test(ended) ? Number(ended.slice('code '.length)) : 1;
}

/** @returns what tests read from the environment to reach the servers */
async function startServers(): Promise<Record<string, string>> {
  const redis = await findOrInstallRedis({ folder, start: stack.start, printLine });
  const unsafeButQuick = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
  // Lets tests count the statements that reach PostgreSQL.
  const settings = [...unsafeButQuick, 'shared_preload_libraries=pg_stat_statements'];
  const port = await findFreePort();
  const options = { folder, password: testPassword, start: stack.start, printLine };
  await createOriginal(options);
  await copyOriginal(folder, folder);
  const postgres = await startPostgres({ ...options, port, settings });
  const urls = { TEST_DATABASE_URL: postgres.url('postgres'), TEST_REDIS_SERVER: redis };
  if (!process.env.TEST_PGBOUNCER) return urls;
  const poolerPort = await startPooler({ ...options, postgresPort: port });
  return { ...urls, TEST_POOLER_PORT: String(poolerPort) };
}

/** What the runner has counted. If it did not end by itself, that counts as one failed test. */
async function readCounts(): Promise<TestCounts> {
  const written = await readFile(countsFile, 'utf8').catch(() => '{ "passed": 0, "failed": 1 }');
  return JSON.parse(written) as TestCounts;
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
  if (!stack.isStopping) console.error(error instanceof RangeError ? error.message : error);
}
const { passed, failed } = await readCounts();
if (exitCode === 0 && (passed === 0 || failed > 0)) exitCode = 1;
await cleanUp();
printLine(`${passed} passed, ${failed} failed`);
process.exit(exitCode);
