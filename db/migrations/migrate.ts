/** Migrates a database to the newest schema. When several processes do so at once, one works and the others wait. */
import knex from 'knex';
import pg from 'pg';
import { retry } from '../../shared/process/retry.ts';
import { migrateFallbackQueue } from './fallback-queue-schema.ts';
import { listMigrations, migrationSource } from './source.ts';

/** The key of the advisory lock that every migrating process holds. Never change it: versions migrate side by side. */
export const migrationLockId = 4_715_301_964;
const startupTimeoutMs = 60_000;
const retryDelayMs = 250;

interface MigrationConfig extends knex.Knex.Config {
  /** What a migration finds in `knex.userParams`; missing in knex's own type. */
  readonly userParams: { readonly databaseUrl: string | undefined };
}

/** How knex migrates, from `field migrate` and from its own command alike. */
export function migrationConfig(databaseUrl: string | undefined): MigrationConfig {
  return {
    client: 'pg',
    connection: databaseUrl,
    pool: { min: 0, max: 2 },
    userParams: { databaseUrl },
    migrations: { migrationSource },
  };
}

export interface MigrationResult {
  readonly applied: string[];
}

/**
 * Waits for PostgreSQL (at most a minute) and migrates.
 * @param through the migration to stop after: for what was written under an older schema
 * @throws when a migration fails or PostgreSQL stays away
 */
export async function migrate(databaseUrl: string, { through }: { through?: string } = {}): Promise<MigrationResult> {
  return withMigrationLock(databaseUrl, async (database) => {
    const applied = through === undefined ? await migrateAll(database) : await migrateThrough(database, through);
    // Whatever the migrations have recorded: backups older than the queue's migration hold its jobs all the same.
    await migrateFallbackQueue(databaseUrl);
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
    // What has been applied before is passed over.
    const [, done] = (await database.migrate.up({ name })) as [number, string[]];
    applied.push(...done);
    if (name === last) break;
  }
  return applied;
}

/** Takes the last batch of migrations back. */
export async function migrateDown(databaseUrl: string): Promise<{ undone: string[] }> {
  return withMigrationLock(databaseUrl, async (database) => {
    const [, undone] = await database.migrate.rollback();
    return { undone };
  });
}

/** A session lock on its own connection: it waits instead of failing, and dies with the process. */
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

/** @throws the last error once PostgreSQL has been unavailable for a minute, or at once when waiting does not help */
function connectWithRetry(url: string): Promise<pg.Client> {
  return retry(() => connect(url), {
    initialDelayMs: retryDelayMs,
    maxDelayMs: retryDelayMs,
    timeoutMs: startupTimeoutMs,
    isRetryable: isStartingUp,
  });
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000, keepAlive: true });
  client.on('error', () => undefined); // The pending query is rejected as well.
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

const startingUpCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  '57P03',
  '57P01',
]);

function isStartingUp(error: unknown): boolean {
  return error instanceof Error && startingUpCodes.has((error as NodeJS.ErrnoException).code ?? '');
}
