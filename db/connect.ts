/** Opens connection pools to PostgreSQL. Owns the pool's settings and the conversion of types; independent of any table. */
import type { Socket } from 'node:net';
import knex, { type Knex } from 'knex';
import pg from 'pg';
import { connectionTarget } from '../shared/postgres/connection-target.ts';
import type { Logger } from '../shared/process/logger.ts';

export interface DatabaseOptions {
  readonly url: string;
  readonly poolSize: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly log: Logger;
  readonly statementTimeoutMs?: number;
}

const int8Oid = 20;

/** bigint as a number: the API rejects versions, counters and times above 2^53. @throws RangeError beyond it */
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
      ...connectionTarget(url),
      application_name: applicationName,
      keepAlive: true,
      connectionTimeoutMillis: 3000,
      statement_timeout: statementTimeoutMs,
      lock_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: 2 * statementTimeoutMs,
      // Longer than the server's own limit, so that only a dead connection reaches it.
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

/** Logs the loss and the return of the connection once each, however many attempts are made in between. */
function logConnectionState(pool: Pool, log: Logger): void {
  let isDown = false;
  pool.on('createFail', (_id, err) => {
    if (!isDown) log.warn({ err }, 'postgres connection lost');
    isDown = true;
  });
  pool.on('createSuccess', () => {
    if (isDown) log.info('postgres connection restored');
    isDown = false;
  });
}

/** The pool's connections at this moment; all zero once it is closed. */
export function readPoolUsage(db: Knex): { used: number; free: number; waiting: number; max: number } {
  const { pool } = db.client as { pool: Pool | undefined };
  if (!pool) return { used: 0, free: 0, waiting: 0, max: 0 };
  return { used: pool.numUsed(), free: pool.numFree(), waiting: pool.numPendingAcquires(), max: pool.max };
}

/** The part of tarn, knex's pool, that is used here. */
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

/** The part of the driver's client that is used here. */
interface PooledConnection {
  query: QueryFunction;
  readonly connection: { readonly stream: Socket };
}

/**
 * Destroys a connection on which a query timed out without an answer. The driver abandons only the query: the connection
 * would go back to the pool, and every further query on it would time out as well.
 */
function destroyOnTimeout(pooled: PooledConnection, done: (error: undefined, pooled: PooledConnection) => void): void {
  const prototype = Object.getPrototypeOf(pooled) as PooledConnection;
  // Read with every call: tracing replaces the function of the prototype, perhaps after this connection was opened.
  pooled.query = (config, callback) =>
    prototype.query.call(pooled, config, (error, result) => {
      if (error?.message === 'Query read timeout') pooled.connection.stream.destroy(error);
      callback(error, result);
    });
  done(undefined, pooled);
}
