/** The APIs and workers of a stack, each connected through its own links. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { StartProcess } from '../../../dev/processes/child-process.ts';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { buildComponentProcess, type Component } from '../../support/processes/component-process.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { memoryProbe, memorySocket } from './read-memory.ts';
import { SupervisedProcess } from './supervised-process.ts';
import { TcpLink } from './tcp-link.ts';
import { type ServerPorts, urlsOf } from './urls.ts';

export interface FieldProcesses {
  readonly apis: readonly SupervisedProcess[];
  readonly workers: readonly SupervisedProcess[];
  /** A worker that is not running, for faults that add workers. */
  readonly spareWorker: SupervisedProcess;
  readonly links: readonly TcpLink[];
  /** Addresses of the APIs, through the devices' links. */
  readonly addresses: readonly string[];
  /** Removes and returns the unexpected exits since the last call. */
  drainUnexpectedExits(): string[];
  /** Stops restarting processes and closes their logs. Running processes are not stopped. */
  release(): void;
}

interface FieldProcessesOptions {
  readonly start: StartProcess;
  readonly folder: string;
  readonly ports: ServerPorts;
  readonly apiPreloads: readonly string[];
}

export const jwtSecret = 'a secret for the fault harness alone, of more than 32 bytes';
/** Low enough that snapshots are archived and read within a run. */
const snapshotEvery = 500;
/** Longer than the shutdown deadline of a process (shared/process/lifecycle.ts). */
export const graceMs = 25_000;
export const processSettings = {
  NODE_ENV: 'test',
  LOG_LEVEL: 'info',
  JWT_SECRET: jwtSecret,
  SNAPSHOT_EVERY: String(snapshotEvery),
  BACKUP_EVERY_HOURS: '0',
  TOKEN_MAX_DAYS: String(3 * 365),
};

export async function startFieldProcesses({
  start,
  folder,
  ports,
  apiPreloads,
}: FieldProcessesOptions): Promise<FieldProcesses> {
  const links: TcpLink[] = [];
  const logs: number[] = [];
  const unexpectedExits: string[] = [];
  const createLink = async (from: string, to: string, port: number) => {
    const link = new TcpLink(from, to, port);
    await link.listen();
    links.push(link);
    return link.port;
  };
  const prepare = async (
    name: string,
    component: Component,
    env: Record<string, string>,
    preloads: readonly string[],
  ) => {
    const { database, queue, cache } = urlsOf({
      postgres: await createLink(name, 'postgres', ports.postgres),
      queue: await createLink(name, 'queue', ports.queue),
      cache: await createLink(name, 'cache', ports.cache),
    });
    const log = openSync(join(folder, `${name}.log`), 'a'); // Shared by all restarts of the process.
    logs.push(log);
    const options = buildComponentProcess({
      component,
      name,
      preloads: [memoryProbe, ...preloads],
      env: {
        ...process.env,
        ...processSettings,
        DATABASE_URL: database,
        QUEUE_REDIS_URL: queue,
        CACHE_REDIS_URL: cache,
        MEMORY_SOCKET: memorySocket(folder, name),
        ...env,
      },
      output: log,
      graceMs,
      recordIn: join(folder, 'run'),
    });
    // Two Node versions at once: the alternative one runs every process but the first of each kind.
    const command = name.endsWith('-1') ? options.command : (process.env.NODE_ALTERNATIVE ?? options.command);
    return new SupervisedProcess({ ...options, command }, start, (exit) => unexpectedExits.push(exit));
  };
  const launch = async (...args: Parameters<typeof prepare>) => {
    const supervised = await prepare(...args);
    await supervised.start();
    return supervised;
  };

  const apis: SupervisedProcess[] = [];
  const workers: SupervisedProcess[] = [];
  const addresses: string[] = [];
  for (const number of [1, 2]) {
    const port = await findFreePort();
    workers.push(await launch(`worker-${number}`, 'workers', {}, []));
    apis.push(await launch(`api-${number}`, 'api', { PORT: String(port) }, apiPreloads));
    addresses.push(`http://127.0.0.1:${await createLink('devices', `api-${number}`, port)}`);
  }
  const spareWorker = await prepare('worker-3', 'workers', {}, []);
  for (const address of addresses) {
    await waitUntil(`${address} is ready`, () => isReady(address), { timeoutMs: 60_000, intervalMs: 100 });
  }
  const all = [...apis, ...workers, spareWorker];
  return {
    apis,
    workers,
    spareWorker,
    links,
    addresses,
    drainUnexpectedExits: () => unexpectedExits.splice(0),
    release() {
      for (const supervised of all) supervised.release();
      for (const log of logs) closeSync(log);
    },
  };
}

/** @throws if the connection is refused */
export async function isReady(address: string): Promise<boolean> {
  return (await fetch(`${address}/api/health/ready`)).ok;
}
