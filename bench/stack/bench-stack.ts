/**
 * The measured stack as real processes: PostgreSQL with fsync, a queue Redis that fsyncs every write, a cache Redis, APIs
 * and workers.
 */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { migrate } from '../../db/migrations/migrate.ts';
import { ensureDatabase, startPostgres } from '../../dev/postgres/server.ts';
import type { ProcessOptions, RunningProcess } from '../../dev/processes/child-process.ts';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { startOrphanReaper } from '../../dev/processes/node-process.ts';
import { createProcessGroup } from '../../dev/processes/process-group.ts';
import { findOrInstallRedis } from '../../dev/redis/install.ts';
import { startRedis } from '../../dev/redis/server.ts';
import { buildComponentProcess, type Component } from '../../test/support/processes/component-process.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { PeakUsage } from './peak-usage.ts';
import { password, settings } from './settings.ts';

export interface BenchStack {
  readonly folder: string;
  readonly urls: { readonly database: string; readonly queue: string; readonly cache: string };
  /** Addresses of the running APIs. */
  readonly addresses: readonly string[];
  /** A pool for queries by the benchmarks. */
  readonly db: pg.Pool;
  readonly usage: PeakUsage;
  /** Restarts the APIs and workers in the given numbers; `env` overrides their settings. */
  scale(size: { apis: number; workers: number; env?: Record<string, string> }): Promise<void>;
  /** Kills all servers, APIs and workers at once with SIGKILL, and starts the same again on the same data. */
  crash(): Promise<void>;
  /** Runs `field verify` over all fields. @throws if a field differs from the replay of its log */
  verify(): Promise<string>;
  stop(): Promise<void>;
}

interface BenchStackOptions {
  readonly printLine: (line: string) => void;
  /** The folder to which APIs and workers write CPU profiles when they stop. */
  readonly profileFolder: string | undefined;
  /** Settings of the first API and worker that override the defaults. */
  readonly env?: Record<string, string>;
}

/** The cache is not persistent and may evict; the queue persists every acknowledged write. */
const cacheSettings = { appendonly: 'no', 'maxmemory-policy': 'allkeys-lru' };
const graceMs = 25_000;

/** Starts the servers, one API and one worker. If that fails, everything that was started is stopped. */
export async function startBenchStack({
  printLine,
  profileFolder,
  env: firstEnv = {},
}: BenchStackOptions): Promise<BenchStack> {
  const folder = await mkdtemp(join(tmpdir(), 'field-bench-'));
  await chmod(folder, 0o711); // If run as root, PostgreSQL runs as another user, who must be able to traverse the folder.
  const processes = createProcessGroup();
  const usage = new PeakUsage();
  try {
    const recordIn = join(folder, 'run');
    await startOrphanReaper(processes.start, recordIn);
    const { start } = processes;
    const binary = await findOrInstallRedis({ folder, start, printLine });
    const ports = { postgres: await findFreePort(), queue: await findFreePort(), cache: await findFreePort() };
    const startRedisServer = (name: 'queue' | 'cache', settings: Record<string, string>) =>
      startRedis({ binary, folder: join(folder, name), port: ports[name], password, settings, start, recordIn });
    const startServers = async () => {
      const postgres = await startPostgres({ folder, port: ports.postgres, password, start });
      const queue = await startRedisServer('queue', {});
      const cache = await startRedisServer('cache', cacheSettings);
      usage.watch('PostgreSQL', postgres.process.pid);
      usage.watch('queue Redis', queue.process.pid);
      usage.watch('cache Redis', cache.process.pid);
      return { postgres, queue, cache };
    };
    let servers = await startServers();
    await ensureDatabase(servers.postgres, 'field');
    const urls = { database: servers.postgres.url('field'), queue: servers.queue.url(0), cache: servers.cache.url(0) };
    await migrate(urls.database);
    const db = new pg.Pool({ connectionString: urls.database, max: 4 });
    db.on('error', () => undefined); // The query in progress is rejected with the same error.

    const env = {
      ...process.env,
      ...settings,
      DATABASE_URL: urls.database,
      QUEUE_REDIS_URL: urls.queue,
      CACHE_REDIS_URL: urls.cache,
    };
    const launch = (name: string, component: Component, extraEnv: Record<string, string>) =>
      start(
        withProfiling(
          buildComponentProcess({
            component,
            name,
            env: { ...env, ...extraEnv },
            output: openSync(join(folder, `${name}.log`), 'a'),
            graceMs,
            recordIn,
          }),
          profileFolder,
        ),
      );
    const running: { apis: RunningProcess[]; workers: RunningProcess[] } = { apis: [], workers: [] };
    const addresses: string[] = [];
    let scaledEnv: Record<string, string> = {};
    const stack: BenchStack = {
      folder,
      urls,
      addresses,
      db,
      usage,
      async scale({ apis, workers, env: extraEnv = {} }) {
        scaledEnv = extraEnv;
        for (const runningProcess of [...running.apis.splice(0), ...running.workers.splice(0)])
          await runningProcess.stop();
        addresses.length = 0;
        for (let number = 1; number <= workers; number++) {
          const worker = await launch(`worker ${number}`, 'workers', extraEnv);
          running.workers.push(worker);
          usage.watch(`worker ${number}`, worker.pid);
        }
        for (let number = 1; number <= apis; number++) {
          const port = await findFreePort();
          const api = await launch(`api ${number}`, 'api', { ...extraEnv, PORT: String(port) });
          running.apis.push(api);
          usage.watch(`API ${number}`, api.pid);
          addresses.push(`http://127.0.0.1:${port}`);
        }
        for (const address of addresses) await waitUntilReady(address);
      },
      async crash() {
        const { apis, workers } = running;
        const size = { apis: apis.length, workers: workers.length, env: scaledEnv };
        const all = [...apis, ...workers, ...Object.values(servers).map((server) => server.process)];
        for (const runningProcess of all) runningProcess.sendSignal('SIGKILL');
        await Promise.all(all.map(({ exited }) => exited));
        servers = await startServers();
        await stack.scale(size);
      },
      verify: () => verifyAll(env),
      async stop() {
        usage.stop();
        await db.end();
        await processes.stop();
        await rm(folder, { recursive: true, force: true });
      },
    };
    await stack.scale({ apis: 1, workers: 1, env: firstEnv });
    return stack;
  } catch (error) {
    usage.stop();
    await processes.forceStop();
    throw error;
  }
}

function withProfiling(options: ProcessOptions, folder: string | undefined): ProcessOptions {
  if (folder === undefined) return options;
  const profileDir = join(folder, options.name.replace(' ', '-'));
  return { ...options, args: ['--cpu-prof', `--cpu-prof-dir=${profileDir}`, ...options.args] };
}

async function waitUntilReady(address: string): Promise<void> {
  const isReady = async () => (await fetch(`${address}/api/health/ready`)).ok;
  await waitUntil(`${address} is ready`, isReady, { timeoutMs: 60_000, intervalMs: 50 });
}

/** Runs `field verify`. @returns the last line that it prints */
function verifyAll(env: NodeJS.ProcessEnv): Promise<string> {
  const script = fileURLToPath(new URL('../../cli/field.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, 'verify'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    output.push(...lines.filter((line) => !line.startsWith('ok  ')));
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-2000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output.at(-1) ?? 'verified');
      else reject(new Error(`field verify exited with code ${code}:\n${output.join('\n')}\n${errors}`));
    });
  });
}
