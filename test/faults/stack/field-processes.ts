/** The APIs and workers of a stack, each behind links of its own. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessOptions, StartProcess } from '../../../dev/processes/child-process.ts';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { buildNodeProcess } from '../../../dev/processes/node-process.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { SupervisedProcess } from './supervised-process.ts';
import { TcpLink } from './tcp-link.ts';
import { type ServerPorts, urlsOf } from './urls.ts';

export interface FieldProcesses {
  readonly apis: readonly SupervisedProcess[];
  readonly workers: readonly SupervisedProcess[];
  readonly links: readonly TcpLink[];
  /** Of the APIs, as devices reach them. */
  readonly addresses: readonly string[];
  /** The ends of processes that nobody had asked for, since the last call. */
  drainUnexpectedExits(): string[];
  /** No more restarts, and no more logs. Does not stop what runs. */
  release(): void;
}

interface FieldProcessesOptions {
  readonly start: StartProcess;
  readonly folder: string;
  readonly ports: ServerPorts;
  readonly apiPreloads: readonly string[];
}

export const jwtSecret = 'a secret for the fault harness alone, of more than 32 bytes';
/** So low that snapshots are kept, and read, within a run. */
const snapshotEvery = 500;
/** More than a process gives its own shutdown (shared/process/lifecycle.ts). */
const graceMs = 25_000;
const settings = {
  NODE_ENV: 'test',
  LOG_LEVEL: 'info',
  JWT_SECRET: jwtSecret,
  SNAPSHOT_EVERY: String(snapshotEvery),
  BACKUP_EVERY_HOURS: '0',
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
  const makeLink = async (from: string, to: string, port: number) => {
    const link = new TcpLink(from, to, port);
    await link.listen();
    links.push(link);
    return link.port;
  };
  const launch = async (
    name: string,
    component: 'api' | 'workers',
    env: Record<string, string>,
    preloads: readonly string[],
  ) => {
    const { database, queue, cache } = urlsOf({
      postgres: await makeLink(name, 'postgres', ports.postgres),
      queue: await makeLink(name, 'queue', ports.queue),
      cache: await makeLink(name, 'cache', ports.cache),
    });
    const log = openSync(join(folder, `${name}.log`), 'a'); // Held open over all restarts.
    logs.push(log);
    const spec: ProcessOptions = buildNodeProcess({
      name,
      script: new URL(`../../../${component}/main.ts`, import.meta.url).href,
      imports: [new URL('../../../dev/processes/exit-with-parent.ts', import.meta.url).href, ...preloads],
      env: {
        ...process.env,
        ...settings,
        DATABASE_URL: database,
        QUEUE_REDIS_URL: queue,
        CACHE_REDIS_URL: cache,
        ...env,
      },
      output: log,
      graceMs,
      recordIn: join(folder, 'run'),
    });
    const supervised = new SupervisedProcess(spec, start, (end) => unexpectedExits.push(end));
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
    addresses.push(`http://127.0.0.1:${await makeLink('devices', `api-${number}`, port)}`);
  }
  for (const address of addresses) {
    await waitUntil(`${address} is ready`, () => isReady(address), { timeoutMs: 60_000, intervalMs: 100 });
  }
  const all = [...apis, ...workers];
  return {
    apis,
    workers,
    links,
    addresses,
    drainUnexpectedExits: () => unexpectedExits.splice(0),
    release() {
      for (const one of all) one.release();
      for (const log of logs) closeSync(log);
    },
  };
}

/** @throws while nobody listens there */
export async function isReady(address: string): Promise<boolean> {
  return (await fetch(`${address}/api/health/ready`)).ok;
}
