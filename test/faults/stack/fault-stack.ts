/**
 * The system under test as real processes: PostgreSQL, the queue's Redis, the cache's Redis, two APIs and two workers,
 * each reaching each server over a link of its own, and the devices reaching each API over one.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../../db/migrations/migrate.ts';
import { ensureDatabase, startPostgres } from '../../../dev/postgres/server.ts';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { startOrphanReaper } from '../../../dev/processes/node-process.ts';
import { createProcessGroup } from '../../../dev/processes/process-group.ts';
import { findOrInstallRedis } from '../../../dev/redis/install.ts';
import { startRedis } from '../../../dev/redis/server.ts';
import { type FieldProcesses, startFieldProcesses } from './field-processes.ts';
import { KillableServer } from './killable-server.ts';
import { password, type ServerPorts, type Urls, urlsOf } from './urls.ts';

export interface FaultStack extends FieldProcesses {
  /** Holds the servers' data and the processes' logs. */
  readonly folder: string;
  readonly servers: Readonly<Record<keyof ServerPorts, KillableServer>>;
  /** Of the servers themselves, past all links. */
  readonly urls: Urls;
  /** Stops everything, and removes the folder unless it is evidence. */
  stop(keepsFolder: boolean): Promise<void>;
}

export interface FaultStackOptions {
  readonly printLine: (line: string) => void;
  /** Modules that a plant has the APIs load first. */
  readonly apiPreloads: readonly string[];
}

/** The cache keeps nothing on a disk and may evict, as in docker-compose.yml; the queue keeps all that it acknowledges. */
const cacheSettings = { appendonly: 'no', 'maxmemory-policy': 'allkeys-lru' };

/** Starts all of it and waits until both APIs are ready. On failure nothing is left running. */
export async function startFaultStack({ printLine, apiPreloads }: FaultStackOptions): Promise<FaultStack> {
  const folder = await mkdtemp(join(tmpdir(), 'field-faults-'));
  await chmod(folder, 0o711); // As root, PostgreSQL runs as another user, who must come through.
  const processes = createProcessGroup();
  const { start } = processes;
  const recordIn = join(folder, 'run');
  try {
    await startOrphanReaper(start, recordIn);
    const binary = await findOrInstallRedis({ folder, start, printLine });
    const ports = { postgres: await findFreePort(), queue: await findFreePort(), cache: await findFreePort() };
    const redis = (name: 'queue' | 'cache', settings: Record<string, string>) =>
      new KillableServer(name, () =>
        startRedis({ binary, folder: join(folder, name), port: ports[name], password, settings, start, recordIn }),
      );
    const servers = {
      postgres: new KillableServer('postgres', async () => {
        const server = await startPostgres({ folder, port: ports.postgres, password, start });
        await ensureDatabase(server, 'field');
        return server;
      }),
      queue: redis('queue', {}),
      cache: redis('cache', cacheSettings),
    };
    for (const server of Object.values(servers)) await server.start();
    const urls = urlsOf(ports);
    await migrate(urls.database);
    const rooms = await startFieldProcesses({ start, folder, ports, apiPreloads });
    return {
      ...rooms,
      folder,
      servers,
      urls,
      async stop(keepsFolder) {
        rooms.release();
        await processes.stop();
        for (const link of rooms.links) await link.close();
        if (!keepsFolder) await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await processes.forceStop();
    throw error;
  }
}
