/** Counts the statements, commands and bytes that an operation causes. Unlike times, counts are the same on any machine. */
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { listServers } from '../../../shared/redis/connect.ts';

/** The SQL statements that `work` sends through a pool, transaction control included. */
export async function captureStatements(db: Knex, work: () => Promise<unknown>): Promise<string[]> {
  const statements: string[] = [];
  const record = ({ sql }: { sql: string }) => void statements.push(sql.trim().split('\n')[0] ?? '');
  db.on('query', record);
  try {
    await work();
  } finally {
    db.off('query', record);
  }
  return statements;
}

export interface RedisCost {
  /** Calls per command, including those made by scripts. */
  readonly calls: ReadonlyMap<string, number>;
  readonly bytesIn: number;
}

/** The cost of `work` in Redis, summed over the masters of a cluster. The servers must have no other clients meanwhile. */
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

/** The bytes of write-ahead log that `work` produces. The server must have no other clients meanwhile. */
export async function countWalBytes(db: Knex, work: () => Promise<unknown>): Promise<number> {
  const position = async () => {
    const { rows } = await db.raw(`SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS position`);
    return Number(rows[0].position);
  };
  const before = await position();
  await work();
  return (await position()) - before;
}
