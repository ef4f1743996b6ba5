/** PostgreSQL for a command: opened, closed whatever happens, and its outages told in a sentence. */
import type { Knex } from 'knex';
import { DBError } from 'objection';
import { connectDatabase } from '../../db/connect.ts';
import { isTransient } from '../../db/transient-errors.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';

/** Nobody waits behind a command: reading a long log may take its time. */
const statementTimeoutMs = 120_000;
/** Wrong user or password, no such database. */
const accessDeniedCodes = new Set(['28P01', '28000', '3D000']);
const undefinedTable = '42P01';

/** @throws CliError `unreachable` when PostgreSQL is away, or not migrated */
export async function withDatabase<T>(url: string, work: (db: Knex) => Promise<T>): Promise<T> {
  const log = createLogger({ name: 'cli', level: 'silent' });
  const db = connectDatabase({ url, poolSize: 3, applicationName: 'field-cli', log, statementTimeoutMs });
  try {
    return await work(db);
  } catch (error) {
    throw explainDatabaseError(error, url);
  } finally {
    await db.destroy();
  }
}

export function explainDatabaseError(error: unknown, url: string): unknown {
  if (error instanceof CliError) return error;
  const native = nativeError(error);
  const code = (native as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (code === undefinedTable) {
    const hint = 'Migrate it: npx consciousness-field migrate';
    return new CliError('unreachable', `The database at ${describeAddress(url)} has no tables yet.`, {
      hint,
      cause: error,
    });
  }
  if (!isTransient(native) && !accessDeniedCodes.has(code)) return error;
  return new CliError('unreachable', `PostgreSQL at ${describeAddress(url)} cannot be reached: ${reasonOf(native)}`, {
    hint: 'Is it running, and is DATABASE_URL right? Where that is not set, the last `npm start` is meant.',
    cause: error,
  });
}

/** Whether PostgreSQL is there, but does not let this user in. */
export function isAccessDenied(error: unknown): boolean {
  const native = nativeError(error instanceof CliError ? error.cause : error);
  return accessDeniedCodes.has((native as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** Whether PostgreSQL is away for a while. */
export function isDatabaseOutage(error: unknown): boolean {
  return isTransient(nativeError(error));
}

/** Objection wraps what the driver says, and keeps its code to itself. */
function nativeError(error: unknown): unknown {
  return error instanceof DBError ? error.nativeError : error;
}

/** Host, port and database, without the password. */
export function describeAddress(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `${host}${pathname === '/' ? '' : pathname}`;
  } catch {
    return 'the address given';
  }
}
