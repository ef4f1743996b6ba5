/** PostgreSQL: reachable, new enough, migrated, keeping what it commits, with connections left and a right clock. */
import type { Knex } from 'knex';
import {
  hasFallbackQueue,
  listKnownMigrations,
  type MigrationStatus,
  readMigrationStatus,
} from '../../db/migrations/migration-status.ts';
import { readServerSettings, type ServerSettings } from '../../db/read/server-settings.ts';
import { describeAddress, isAccessDenied } from '../backends/with-database.ts';
import { reasonOf } from '../errors/cli-error.ts';
import { checkClock, type TimedResult, timeRequest } from './check-clock.ts';
import { checkDisk } from './check-disk.ts';
import { type Finding, finding, ok } from './findings.ts';

const subject = 'PostgreSQL';
const minVersionNumber = 140_000;
/** Each process has these besides its pool: for the queue in PostgreSQL. */
const extraConnections = 5;

interface CheckPostgresOptions {
  readonly url: string;
  readonly poolSize: number;
}

export async function checkPostgres(db: Knex, { url, poolSize }: CheckPostgresOptions): Promise<Finding[]> {
  const timedSettings = await timeRequest(() => readServerSettings(db));
  const findings = [...evaluateServer(timedSettings, { url, poolSize }), ...(await checkMigrations(db))];
  const { dataDirectory } = timedSettings.value;
  return dataDirectory ? [...findings, ...(await checkDisk(subject, dataDirectory))] : findings;
}

export function explainUnreachable(error: unknown): Finding {
  return finding(subject, isAccessDenied(error) ? 'postgres_refuses' : 'postgres_unreachable', reasonOf(error));
}

export function evaluateServer(
  timedSettings: TimedResult<ServerSettings>,
  { url, poolSize }: CheckPostgresOptions,
): Finding[] {
  const settings = timedSettings.value;
  const problems = [
    ...(settings.versionNumber < minVersionNumber
      ? [finding(subject, 'postgres_too_old', `it is ${settings.version}`)]
      : []),
    ...(settings.isReadOnly ? [finding(subject, 'postgres_read_only', 'it takes no writes')] : []),
    ...evaluateDurability(settings),
    ...evaluateConnections(settings, poolSize),
    ...checkClock(subject, settings.now, timedSettings),
  ];
  const answered = `${settings.version} at ${describeAddress(url)} answers in ${Math.round(timedSettings.durationMs)} ms`;
  return [ok(subject, answered), ...problems];
}

function evaluateDurability({ fsync, fullPageWrites, synchronousCommit }: ServerSettings): Finding[] {
  const settings = { fsync, full_page_writes: fullPageWrites, synchronous_commit: synchronousCommit };
  return Object.entries(settings).flatMap(([name, value]) =>
    value === 'off' ? [finding(subject, 'postgres_may_forget', `${name} is off`)] : [],
  );
}

function evaluateConnections(settings: ServerSettings, poolSize: number): Finding[] {
  const left = settings.maxConnections - settings.reservedConnections - settings.usedConnections;
  const needed = poolSize + extraConnections;
  if (left >= needed) return [];
  const message = `${left} of ${settings.maxConnections} connections are left, and one more process may take ${needed}`;
  return [finding(subject, 'postgres_connections_short', message)];
}

async function checkMigrations(db: Knex): Promise<Finding[]> {
  const status = await readMigrationStatus(db);
  const pending = [...status.pending, ...((await hasFallbackQueue(db)) ? [] : ['the queue in PostgreSQL'])];
  return evaluateMigrations({ ...status, pending }, await listKnownMigrations());
}

function evaluateMigrations({ applied, pending }: MigrationStatus, known: readonly string[]): Finding[] {
  const unknown = applied.filter((name) => !known.includes(name));
  return [
    ...(pending.length > 0 ? [finding(subject, 'migrations_missing', `it lacks ${pending.join(', ')}`)] : []),
    ...(unknown.length > 0 ? [finding(subject, 'migrations_unknown', `it has ${unknown.join(', ')}`)] : []),
    ...(pending.length + unknown.length === 0 ? [ok(subject, `migrated (${applied.at(-1)})`)] : []),
  ];
}
