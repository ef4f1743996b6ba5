/** Counts what a piece of work costs the servers: statements, commands, bytes. Counts are the same on any machine. */
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';

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

/** What `work` asks of a Redis that nobody else uses meanwhile. */
export async function countRedis(redis: Redis, work: () => Promise<unknown>): Promise<RedisCost> {
  const before = await look(redis);
  await work();
  const after = await look(redis);
  const calls = [...after.calls].map(([name, count]) => [name, count - (before.calls.get(name) ?? 0)] as const);
  return {
    calls: new Map(calls.filter(([name, count]) => count > 0 && name !== 'info')),
    bytesIn: after.bytesIn - before.bytesIn,
  };
}

async function look(redis: Redis): Promise<RedisCost> {
  const [stats, commands] = [await redis.info('stats'), await redis.info('commandstats')];
  const calls = [...commands.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)].map(
    ([, name = '', count]) => [name, Number(count)] as const,
  );
  return { calls: new Map(calls), bytesIn: Number(/^total_net_input_bytes:(\d+)/m.exec(stats)?.[1]) };
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
