/** Checks PostgreSQL: version, migrations, durability, free connections, disk and clock. */
import type { Knex } from 'knex';
import { hasFallbackQueue, type MigrationStatus, readMigrationStatus } from '../../db/migrations/migration-status.ts';
import { listMigrations } from '../../db/migrations/source.ts';
import { readCommitDurability } from '../../db/read/settings/commit-durability.ts';
import { readServerSettings, type ServerSettings } from '../../db/read/settings/server-settings.ts';
import { describeAddress, isAccessDenied } from '../backends/with-database.ts';
import { reasonOf } from '../errors/cli-error.ts';
import { checkClock, type TimedResult, timeRequest } from './check-clock.ts';
import { checkDisk } from './check-disk.ts';
import { type Finding, finding, ok } from './findings.ts';

const subject = 'PostgreSQL';
const minVersionNumber = 140_000;
/** Connections of an API besides its pool, for the fallback queue and for loading states. A worker has fewer. */
const extraConnections = 9;

interface ServerOptions {
  readonly url: string;
  readonly poolSize: number;
}

interface CheckPostgresOptions extends ServerOptions {
  /** Weak durability is a warning in development and with ALLOW_WEAK_DURABILITY, otherwise a problem. */
  readonly allowWeakDurability: boolean;
}

export async function checkPostgres(db: Knex, options: CheckPostgresOptions): Promise<Finding[]> {
  const timedSettings = await timeRequest(() => readServerSettings(db));
  const findings = [
    ...evaluateServer(timedSettings, options),
    ...(await checkDurability(db, options)),
    ...(await checkMigrations(db)),
  ];
  const { dataDirectory } = timedSettings.value;
  return dataDirectory ? [...findings, ...(await checkDisk(subject, dataDirectory))] : findings;
}

export function explainUnreachable(error: unknown): Finding {
  return finding(subject, isAccessDenied(error) ? 'postgres_access_denied' : 'postgres_unreachable', reasonOf(error));
}

export function evaluateServer(
  timedSettings: TimedResult<ServerSettings>,
  { url, poolSize }: ServerOptions,
): Finding[] {
  const settings = timedSettings.value;
  const problems = [
    ...(settings.versionNumber < minVersionNumber
      ? [finding(subject, 'postgres_too_old', `its version is ${settings.version}`)]
      : []),
    ...(settings.isReadOnly ? [finding(subject, 'postgres_read_only', 'it accepts no writes')] : []),
    ...evaluateConnections(settings, poolSize),
    ...checkClock(subject, settings.now, timedSettings),
  ];
  const reachable = `${settings.version} at ${describeAddress(url)} responds in ${Math.round(timedSettings.durationMs)} ms`;
  return [ok(subject, reachable), ...problems];
}

async function checkDurability(db: Knex, { allowWeakDurability }: CheckPostgresOptions): Promise<Finding[]> {
  const { weaknesses } = await readCommitDurability(db);
  const level = allowWeakDurability ? 'warning' : undefined;
  return weaknesses.map((weakness) => finding(subject, 'postgres_not_durable', weakness, level));
}

function evaluateConnections(settings: ServerSettings, poolSize: number): Finding[] {
  const left = settings.maxConnections - settings.reservedConnections - settings.usedConnections;
  const needed = poolSize + extraConnections;
  if (left >= needed) return [];
  const message = `${left} of ${settings.maxConnections} connections are free, and one more process may use ${needed}`;
  return [finding(subject, 'postgres_connections_low', message)];
}

async function checkMigrations(db: Knex): Promise<Finding[]> {
  const status = await readMigrationStatus(db);
  const pending = [...status.pending, ...((await hasFallbackQueue(db)) ? [] : ['the fallback queue'])];
  return evaluateMigrations({ ...status, pending }, listMigrations());
}

function evaluateMigrations({ applied, pending }: MigrationStatus, known: readonly string[]): Finding[] {
  const unknown = applied.filter((name) => !known.includes(name));
  return [
    ...(pending.length > 0 ? [finding(subject, 'migrations_pending', `pending: ${pending.join(', ')}`)] : []),
    ...(unknown.length > 0
      ? [finding(subject, 'migrations_unknown', `unknown to this version: ${unknown.join(', ')}`)]
      : []),
    ...(pending.length + unknown.length === 0 ? [ok(subject, `migrated (${applied.at(-1)})`)] : []),
  ];
}
