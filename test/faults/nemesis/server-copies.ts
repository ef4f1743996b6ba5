/** Copies of the data of running servers, as a replica that lags behind would have them, and the failover to such a copy. */
import { execFile } from 'node:child_process';
import { chown, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { withPgClient } from '../../support/servers/query-postgres.ts';
import { waitUntil } from '../../support/wait-until.ts';
import type { KillableServer } from '../stack/killable-server.ts';

const run = promisify(execFile);
type DataOwner = Pick<KillableServer, 'dataFolder'>;
const copyOf = ({ dataFolder }: DataOwner) => `${dataFolder}.copy`;

/** Copies a running PostgreSQL as its manual describes (Making a Base Backup Using the Low Level API). */
export async function copyPostgres(server: DataOwner, url: string): Promise<void> {
  const { dataFolder } = server;
  await withPgClient(url, async (client) => {
    await client.query("SELECT pg_backup_start('faults', true)");
    await copyFolder(dataFolder, copyOf(server));
    const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
    // The copy becomes consistent by replaying what was written while it was made, so the log is copied again.
    await copyFolder(join(dataFolder, 'pg_wal'), join(copyOf(server), 'pg_wal'));
    await rm(join(copyOf(server), 'postmaster.pid'), { force: true });
    const label = join(copyOf(server), 'backup_label');
    await writeFile(label, rows[0]?.labelfile ?? '');
    const { uid, gid } = await stat(dataFolder);
    await chown(label, uid, gid);
  });
}

/** Copies the append-only files of a running Redis. The last command may be torn, as after a crash. */
export async function copyAppendOnlyFiles(server: KillableServer, url: string): Promise<void> {
  await withRedis(url, async (redis) => {
    await redis.config('SET', 'auto-aof-rewrite-percentage', '0'); // Lasts until the restart.
    await waitUntil('no rewrite is running', async () => (await redis.info()).includes('aof_rewrite_in_progress:0'));
    await copyFolder(server.dataFolder, copyOf(server));
  });
}

/** Copies the data of a running Redis that has no append-only file. */
export async function copyMemory(server: KillableServer, url: string): Promise<void> {
  await withRedis(url, async (redis) => {
    await redis.save();
    await copyFolder(server.dataFolder, copyOf(server));
  });
  await rm(join(server.dataFolder, 'dump.rdb'));
}

/** Kills the server and starts it with the copy. */
export async function failOverToCopy(server: KillableServer): Promise<void> {
  await server.kill9();
  await rm(`${server.dataFolder}.dead`, { recursive: true, force: true });
  await rename(server.dataFolder, `${server.dataFolder}.dead`);
  await rename(copyOf(server), server.dataFolder);
  await server.start();
}

/** Overwrites files that are there. Files may vanish meanwhile, which PostgreSQL's manual permits. */
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await run('cp', ['-a', `${from}/.`, to]).catch((error: Error & { stderr: string }) => {
    const lines = error.stderr.trim().split('\n');
    if (!lines.every((line) => line.endsWith('No such file or directory'))) throw error;
  });
}

async function withRedis(url: string, work: (redis: Redis) => Promise<void>): Promise<void> {
  const redis = new Redis(url);
  redis.on('error', () => {}); // The command in progress is rejected.
  try {
    await work(redis);
  } finally {
    redis.disconnect();
  }
}
