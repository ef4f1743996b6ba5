/** PostgreSQL: reachable, new enough, migrated, keeping what it commits, with connections left and a right clock. */
import type { Knex } from 'knex';
import {
  hasFallbackQueue,
  knownMigrations,
  type MigrationStatus,
  readMigrationStatus,
} from '../../db/migrations/migration-status.ts';
import { readServerFacts, type ServerFacts } from '../../db/read/server-settings.ts';
import { addressOf, isRefusal } from '../backends/with-database.ts';
import { reasonOf } from '../errors/cli-error.ts';
import { checkClock, measure, type Reading } from './check-clock.ts';
import { checkDisk } from './check-disk.ts';
import { type Finding, fine, found } from './findings.ts';

const subject = 'PostgreSQL';
const oldestVersion = 140_000;
/** Each process has these besides its pool: for the queue in PostgreSQL. */
const connectionsBesidesPool = 5;

interface Target {
  readonly url: string;
  readonly poolSize: number;
}

export async function checkPostgres(db: Knex, { url, poolSize }: Target): Promise<Finding[]> {
  const reading = await measure(() => readServerFacts(db));
  const findings = [...judgeServer(reading, { url, poolSize }), ...(await checkMigrations(db))];
  const { dataDirectory } = reading.answer;
  return dataDirectory ? [...findings, ...(await checkDisk(subject, dataDirectory))] : findings;
}

export function explainUnreachable(error: unknown): Finding {
  return found(subject, isRefusal(error) ? 'postgres_refuses' : 'postgres_unreachable', reasonOf(error));
}

export function judgeServer(reading: Reading<ServerFacts>, { url, poolSize }: Target): Finding[] {
  const facts = reading.answer;
  const problems = [
    ...(facts.versionNumber < oldestVersion ? [found(subject, 'postgres_too_old', `it is ${facts.version}`)] : []),
    ...(facts.isReadOnly ? [found(subject, 'postgres_read_only', 'it takes no writes')] : []),
    ...judgeDurability(facts),
    ...judgeConnections(facts, poolSize),
    ...checkClock(subject, facts.now, reading),
  ];
  const answered = `${facts.version} at ${addressOf(url)} answers in ${Math.round(reading.tookMs)} ms`;
  return [fine(subject, answered), ...problems];
}

function judgeDurability({ fsync, fullPageWrites, synchronousCommit }: ServerFacts): Finding[] {
  const settings = { fsync, full_page_writes: fullPageWrites, synchronous_commit: synchronousCommit };
  return Object.entries(settings).flatMap(([name, value]) =>
    value === 'off' ? [found(subject, 'postgres_may_forget', `${name} is off`)] : [],
  );
}

function judgeConnections(facts: ServerFacts, poolSize: number): Finding[] {
  const left = facts.maxConnections - facts.reservedConnections - facts.usedConnections;
  const needed = poolSize + connectionsBesidesPool;
  if (left >= needed) return [];
  const message = `${left} of ${facts.maxConnections} connections are left, and one more process may take ${needed}`;
  return [found(subject, 'postgres_connections_short', message)];
}

async function checkMigrations(db: Knex): Promise<Finding[]> {
  const status = await readMigrationStatus(db);
  const pending = [...status.pending, ...((await hasFallbackQueue(db)) ? [] : ['the queue in PostgreSQL'])];
  return judgeMigrations({ ...status, pending }, await knownMigrations());
}

function judgeMigrations({ applied, pending }: MigrationStatus, known: readonly string[]): Finding[] {
  const unknown = applied.filter((name) => !known.includes(name));
  return [
    ...(pending.length > 0 ? [found(subject, 'migrations_missing', `it lacks ${pending.join(', ')}`)] : []),
    ...(unknown.length > 0 ? [found(subject, 'migrations_unknown', `it has ${unknown.join(', ')}`)] : []),
    ...(pending.length + unknown.length === 0 ? [fine(subject, `migrated (${applied.at(-1)})`)] : []),
  ];
}
