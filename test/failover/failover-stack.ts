/** The system under test: the servers of two topologies, two APIs and two workers, all processes of their own. */
import { closeSync, openSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../db/migrations/migrate.ts';
import type { StartProcess } from '../../dev/processes/child-process.ts';
import { findFreePort } from '../../dev/processes/free-port.ts';
import { startOrphanReaper } from '../../dev/processes/node-process.ts';
import { createProcessGroup } from '../../dev/processes/process-group.ts';
import { findOrInstallRedis } from '../../dev/redis/install.ts';
import { graceMs, isReady, processSettings } from '../faults/stack/field-processes.ts';
import { SupervisedProcess } from '../faults/stack/supervised-process.ts';
import type { Urls } from '../faults/stack/urls.ts';
import { buildComponentProcess, type Component } from '../support/processes/component-process.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startPostgresPair } from './topologies/postgres-pair.ts';
import { type Combination, postgresTopologies, redisTopologies, startSingleRedis } from './topologies/topologies.ts';
import type { FailoverFault } from './topologies/topology.ts';

export interface FailoverStack {
  /** Contains the servers' data and the processes' logs. */
  readonly folder: string;
  readonly urls: Urls;
  /** Addresses of the APIs. */
  readonly addresses: readonly string[];
  /** By the name of the topology and that of the fault. */
  readonly faults: Readonly<Record<string, Readonly<Record<string, FailoverFault>>>>;
  /** Removes and returns the unexpected exits since the last call. */
  drainUnexpectedExits(): string[];
  /** Stops everything and removes the folder unless `keepsFolder`. */
  stop(keepsFolder: boolean): Promise<void>;
}

/** Starts the stack and waits until both APIs are ready. If that fails, everything that was started is stopped. */
export async function startFailoverStack(
  { redis, postgres }: Combination,
  printLine: (line: string) => void,
): Promise<FailoverStack> {
  const folder = await mkdtemp(join(tmpdir(), 'field-failover-'));
  await chmod(folder, 0o711); // If run as root, PostgreSQL runs as another user, who must be able to traverse the folder.
  const processes = createProcessGroup();
  const { start } = processes;
  try {
    await startOrphanReaper(start, join(folder, 'run'));
    const redisBinary = await findOrInstallRedis({ folder, start, printLine });
    const depsOf = async (name: string) => {
      const own = join(folder, name);
      await mkdir(own);
      await chmod(own, 0o711);
      return { folder: own, start, redisBinary };
    };
    const [redisServers, postgresServers] = await Promise.all([
      (redisTopologies[redis ?? ''] ?? startSingleRedis)(await depsOf('redis')),
      // With a standby it has faults, but they are not injected.
      (postgresTopologies[postgres ?? ''] ?? ((deps) => startPostgresPair(deps, 'synchronous')))(
        await depsOf('postgres'),
      ),
    ]);
    const { url, directUrl } = postgresServers;
    const urls = { database: url, queue: redisServers.queueUrl, cache: redisServers.cacheUrl };
    await migrate(directUrl ?? url);
    const env: Record<string, string> = directUrl === undefined ? {} : { DATABASE_DIRECT_URL: directUrl };
    const services = await startServices({ start, folder, urls, env });
    return {
      ...services,
      folder,
      urls,
      faults: {
        ...(redis === undefined ? {} : { [redis]: redisServers.faults }),
        ...(postgres === undefined ? {} : { [postgres]: postgresServers.faults }),
      },
      async stop(keepsFolder) {
        services.release();
        await processes.stop();
        if (!keepsFolder) await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await processes.forceStop();
    throw error;
  }
}

interface ServicesDeps {
  readonly start: StartProcess;
  readonly folder: string;
  readonly urls: Urls;
  readonly env: Readonly<Record<string, string>>;
}

async function startServices({ start, folder, urls, env }: ServicesDeps) {
  const logs: number[] = [];
  const unexpectedExits: string[] = [];
  const supervised: SupervisedProcess[] = [];
  const launch = async (name: string, component: Component, own: Record<string, string>) => {
    const log = openSync(join(folder, `${name}.log`), 'a'); // Shared by all restarts of the process.
    logs.push(log);
    const addresses = { DATABASE_URL: urls.database, QUEUE_REDIS_URL: urls.queue, CACHE_REDIS_URL: urls.cache };
    const options = buildComponentProcess({
      component,
      name,
      env: { ...process.env, ...processSettings, ...addresses, ...env, ...own },
      output: log,
      graceMs,
      recordIn: join(folder, 'run'),
    });
    const launched = new SupervisedProcess(options, start, (exit) => unexpectedExits.push(exit));
    supervised.push(launched);
    await launched.start();
  };
  const release = () => {
    for (const one of supervised) one.release();
    for (const log of logs) closeSync(log);
  };
  const addresses: string[] = [];
  try {
    for (const number of [1, 2]) {
      const port = await findFreePort();
      addresses.push(`http://127.0.0.1:${port}`);
      await launch(`worker-${number}`, 'workers', {});
      await launch(`api-${number}`, 'api', { PORT: String(port) });
    }
    for (const address of addresses) {
      await waitUntil(`${address} is ready`, () => isReady(address), { timeoutMs: 120_000, intervalMs: 100 });
    }
  } catch (error) {
    release();
    throw error;
  }
  return {
    addresses,
    drainUnexpectedExits: () => unexpectedExits.splice(0),
    release,
  };
}
