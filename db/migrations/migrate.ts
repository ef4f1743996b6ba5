/** Migrates a database to the newest schema. When several processes do so at once, one migrates and the others wait. */
import knex from 'knex';
import pg from 'pg';
import { connectionTarget } from '../../shared/postgres/connection-target.ts';
import { retry } from '../../shared/process/retry.ts';
import { grantExistingRoles } from '../roles/grant-roles.ts';
import { listMigrations, migrationSource } from './source.ts';
import { migrateFallbackQueue } from './steps/fallback-queue-schema.ts';

/** The key of the migration lock. Never change it: different versions of this program may migrate at the same time. */
export const migrationLockId = 4_715_301_964;
const startupTimeoutMs = 60_000;
const retryDelayMs = 250;

interface MigrationConfig extends knex.Knex.Config {
  /** The value of `knex.userParams` in a migration. Knex's own type lacks it. */
  readonly userParams: { readonly databaseUrl: string | undefined };
}

/** The knex configuration that `field migrate` and knex's own command share. */
export function migrationConfig(databaseUrl: string | undefined): MigrationConfig {
  return {
    client: 'pg',
    ...(databaseUrl === undefined ? {} : { connection: connectionTarget(databaseUrl) as knex.Knex.PgConnectionConfig }),
    pool: { min: 0, max: 2 },
    userParams: { databaseUrl },
    migrations: { migrationSource },
  };
}

export interface MigrationResult {
  readonly applied: string[];
}

/**
 * Waits up to a minute for PostgreSQL, then migrates.
 * @param through the last migration to apply, for loading data of an older schema; all by default
 * @throws when a migration fails or PostgreSQL remains unavailable
 */
export async function migrate(databaseUrl: string, { through }: { through?: string } = {}): Promise<MigrationResult> {
  return withMigrationLock(databaseUrl, async (database) => {
    const applied = through === undefined ? await migrateAll(database) : await migrateThrough(database, through);
    // Always needed: a backup from before the queue's own migration may still contain its jobs.
    await migrateFallbackQueue(databaseUrl);
    await grantExistingRoles(databaseUrl);
    return { applied };
  });
}

async function migrateAll(database: knex.Knex): Promise<string[]> {
  const [, applied] = await database.migrate.latest();
  return applied;
}

async function migrateThrough(database: knex.Knex, last: string): Promise<string[]> {
  const applied: string[] = [];
  for (const name of listMigrations()) {
    // Knex skips a migration that has already been applied.
    const [, done] = (await database.migrate.up({ name })) as [number, string[]];
    applied.push(...done);
    if (name === last) break;
  }
  return applied;
}

/** Rolls back the last batch of migrations. */
export async function migrateDown(databaseUrl: string): Promise<{ undone: string[] }> {
  return withMigrationLock(databaseUrl, async (database) => {
    const [, undone] = await database.migrate.rollback();
    return { undone };
  });
}

/** Holds a session-level advisory lock on a dedicated connection. Others wait for it, and it ends with the process. */
async function withMigrationLock<T>(url: string, work: (database: knex.Knex) => Promise<T>): Promise<T> {
  const lock = await connectWithRetry(url);
  const database = knex(migrationConfig(url));
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [migrationLockId]);
    return await work(database);
  } finally {
    await database.destroy();
    await lock.end();
  }
}

/** @throws the last error once PostgreSQL has been unavailable for a minute; a non-transient error immediately */
function connectWithRetry(url: string): Promise<pg.Client> {
  return retry(() => connect(url), {
    initialDelayMs: retryDelayMs,
    maxDelayMs: retryDelayMs,
    timeoutMs: startupTimeoutMs,
    isRetryable: isStartingUp,
  });
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ ...connectionTarget(url), connectionTimeoutMillis: 3000, keepAlive: true });
  // Without a listener the event would end the process. The pending query is rejected with the same error.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** During a failover, a server also accepts connections before it accepts writes. */
const startingUpCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  '57P03',
  '57P01',
  '25006',
]);
/** The driver's own timeouts, which have no code. */
const timeoutMessages = new Set(['timeout expired', 'Query read timeout']);

function isStartingUp(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return startingUpCodes.has((error as NodeJS.ErrnoException).code ?? '') || timeoutMessages.has(error.message);
}
