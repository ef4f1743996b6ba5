/** Connections to PostgreSQL. Owns the pool's settings and the conversion of types; knows no table. */
import type { Socket } from 'node:net';
import knex, { type Knex } from 'knex';
import pg from 'pg';
import type { Logger } from '../shared/process/logger.ts';

export interface DatabaseOptions {
  readonly url: string;
  readonly poolSize: number;
  /** Shows in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly log: Logger;
  readonly statementTimeoutMs?: number;
}

const int8Oid = 20;

/** bigint as a number: versions, counters and milliseconds are held below 2^53 at the door. */
function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is beyond 2^53`);
  return value;
}

const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === int8Oid ? parseInt8 : (pg.types.getTypeParser as (oid: number, format?: string) => unknown)(oid, format),
};

/** Opens a pool. Nothing is connected until the first query. */
export function connectDatabase(options: DatabaseOptions): Knex {
  const { url, poolSize, applicationName, log, statementTimeoutMs = 10_000 } = options;
  const db = knex({
    client: 'pg',
    connection: {
      connectionString: url,
      application_name: applicationName,
      keepAlive: true,
      connectionTimeoutMillis: 3000,
      statement_timeout: statementTimeoutMs,
      lock_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: 2 * statementTimeoutMs,
      // Later than the server's own limit: only a connection that went silent meets it.
      query_timeout: statementTimeoutMs + 2000,
      types,
    } as Knex.PgConnectionConfig,
    pool: { min: 0, max: poolSize, afterCreate: destroyOnTimeout },
    acquireConnectionTimeout: 5000,
    log: {
      warn: (message: unknown) => log.warn({ source: 'knex' }, String(message)),
      error: (message: unknown) => log.error({ source: 'knex' }, String(message)),
      debug: () => undefined,
      deprecate: () => undefined,
    },
  });
  logConnectionState(db.client.pool as Pool, log);
  return db;
}

/** Says once that PostgreSQL cannot be reached and once that it can again, however often it is tried in between. */
function logConnectionState(pool: Pool, log: Logger): void {
  let isDown = false;
  pool.on('createFail', (_id, err) => {
    if (!isDown) log.warn({ err }, 'postgres connection lost');
    isDown = true;
  });
  pool.on('createSuccess', () => {
    if (isDown) log.info('postgres connection ready');
    isDown = false;
  });
}

/** What the pool is doing at this moment. */
export function readPoolUsage(db: Knex): { used: number; free: number; waiting: number; max: number } {
  const { pool } = db.client as { pool: Pool | undefined };
  if (!pool) return { used: 0, free: 0, waiting: 0, max: 0 }; // It has been closed.
  return { used: pool.numUsed(), free: pool.numFree(), waiting: pool.numPendingAcquires(), max: pool.max };
}

/** What knex's pool, tarn, can tell. */
interface Pool {
  readonly max: number;
  numUsed(): number;
  numFree(): number;
  numPendingAcquires(): number;
  on(event: 'createFail', listener: (id: number, error: Error) => void): void;
  on(event: 'createSuccess', listener: () => void): void;
}

type QueryCallback = (error: Error | null | undefined, result: unknown) => void;
type QueryFunction = (config: unknown, callback: QueryCallback) => unknown;

/** What knex holds of the driver's client. */
interface PooledConnection {
  query: QueryFunction;
  readonly connection: { readonly stream: Socket };
}

/**
 * Ends a connection on which a query got no answer at all. The driver gives up only the query: the connection would be
 * handed out again, and every next query on it would wait as long in vain.
 */
function destroyOnTimeout(pooled: PooledConnection, done: (error: undefined, pooled: PooledConnection) => void): void {
  const query = pooled.query.bind(pooled);
  pooled.query = (config, callback) =>
    query(config, (error, result) => {
      if (error?.message === 'Query read timeout') pooled.connection.stream.destroy(error);
      callback(error, result);
    });
  done(undefined, pooled);
}
