/**
 * The system under test as real processes: PostgreSQL, the queue's Redis, the cache's Redis, two APIs and two workers.
 * Each process reaches each server through its own link, and the devices reach each API through a link.
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
import { databaseName, password, type ServerPorts, type Urls, urlsOf } from './urls.ts';

export interface FaultStack extends FieldProcesses {
  /** Contains the servers' data and the processes' logs. */
  readonly folder: string;
  readonly servers: Readonly<Record<keyof ServerPorts, KillableServer>>;
  /** Direct URLs of the servers, which bypass all links. */
  readonly urls: Urls;
  /** Stops everything and removes the folder unless `keepsFolder`. */
  stop(keepsFolder: boolean): Promise<void>;
}

export interface FaultStackOptions {
  readonly printLine: (line: string) => void;
  /** Modules that the APIs preload, for planted defects. */
  readonly apiPreloads: readonly string[];
}

/** As in docker-compose.yml: the cache is not persistent and may evict; the queue persists every acknowledged write. */
const cacheSettings = { appendonly: 'no', 'maxmemory-policy': 'allkeys-lru' };

/** Starts the stack and waits until both APIs are ready. If that fails, everything that was started is stopped. */
export async function startFaultStack({ printLine, apiPreloads }: FaultStackOptions): Promise<FaultStack> {
  const folder = await mkdtemp(join(tmpdir(), 'field-faults-'));
  await chmod(folder, 0o711); // If run as root, PostgreSQL runs as another user, who must be able to traverse the folder.
  const processes = createProcessGroup();
  const { start } = processes;
  const recordIn = join(folder, 'run');
  try {
    await startOrphanReaper(start, recordIn);
    const binary = await findOrInstallRedis({ folder, start, printLine });
    const ports = { postgres: await findFreePort(), queue: await findFreePort(), cache: await findFreePort() };
    const redis = (name: 'queue' | 'cache', settings: Record<string, string>) =>
      new KillableServer({
        name,
        dataFolder: join(folder, name, 'redis'),
        launch: () =>
          startRedis({ binary, folder: join(folder, name), port: ports[name], password, settings, start, recordIn }),
      });
    const servers = {
      postgres: new KillableServer({
        name: 'postgres',
        dataFolder: join(folder, 'postgres'),
        launch: async () => {
          const server = await startPostgres({ folder, port: ports.postgres, password, start });
          await ensureDatabase(server, databaseName);
          return server;
        },
      }),
      queue: redis('queue', {}),
      cache: redis('cache', cacheSettings),
    };
    for (const server of Object.values(servers)) await server.start();
    const urls = urlsOf(ports);
    await migrate(urls.database);
    const fieldProcesses = await startFieldProcesses({ start, folder, ports, apiPreloads });
    return {
      ...fieldProcesses,
      folder,
      servers,
      urls,
      async stop(keepsFolder) {
        fieldProcesses.release();
        await processes.stop();
        for (const link of fieldProcesses.links) await link.close();
        if (!keepsFolder) await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await processes.forceStop();
    throw error;
  }
}
