/** Counts what a piece of work costs the servers: statements, commands, bytes. Counts are the same on any machine. */
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { listServers } from '../../../shared/redis/connect.ts';

/** The SQL statements that `work` sends through a pool, transaction control included. */
export async function countStatements(db: Knex, work: () => Promise<unknown>): Promise<string[]> {
  const statements: string[] = [];
  const note = ({ sql }: { sql: string }) => void statements.push(sql.trim().split('\n')[0] ?? '');
  db.on('query', note);
  try {
    await work();
  } finally {
    db.off('query', note);
  }
  return statements;
}

export interface RedisCost {
  /** Calls of each command; those that a script makes by itself are among them. */
  readonly calls: ReadonlyMap<string, number>;
  readonly bytesIn: number;
}

/** What `work` asks of a Redis, or of the masters of a cluster together, that nobody else uses meanwhile. */
export async function countRedis(redis: Redis, work: () => Promise<unknown>): Promise<RedisCost> {
  const before = await readStats(redis);
  await work();
  const after = await readStats(redis);
  const calls = [...after.calls].map(([name, count]) => [name, count - (before.calls.get(name) ?? 0)] as const);
  return {
    calls: new Map(calls.filter(([name, count]) => count > 0 && name !== 'info')),
    bytesIn: after.bytesIn - before.bytesIn,
  };
}

async function readStats(redis: Redis): Promise<RedisCost> {
  const calls = new Map<string, number>();
  let bytesIn = 0;
  for (const server of listServers(redis)) {
    const [stats, commands] = [await server.info('stats'), await server.info('commandstats')];
    for (const [, name = '', count] of commands.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)) {
      calls.set(name, (calls.get(name) ?? 0) + Number(count));
    }
    bytesIn += Number(/^total_net_input_bytes:(\d+)/m.exec(stats)?.[1]);
  }
  return { calls, bytesIn };
}

/** The bytes of write-ahead log that `work` leaves behind, in a PostgreSQL that nobody else uses meanwhile. */
export async function countWalBytes(db: Knex, work: () => Promise<unknown>): Promise<number> {
  const position = async () => {
    const { rows } = await db.raw(`SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS position`);
    return Number(rows[0].position);
  };
  const before = await position();
  await work();
  return (await position()) - before;
}
