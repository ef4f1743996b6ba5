/** PostgreSQL for a command: opens and always closes the connection, and explains connection errors. */
import type { Knex } from 'knex';
import { DBError } from 'objection';
import { connectDatabase } from '../../db/connect.ts';
import { isTransient } from '../../db/transient-errors.ts';
import { parsePostgresUrl } from '../../shared/postgres/parse-url.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { CliError, reasonOf } from '../errors/cli-error.ts';

/** Longer than in the services, because a command may read a long log. */
const defaultStatementTimeoutMs = 120_000;
/** Wrong user or password, no such database. */
const accessDeniedCodes = new Set(['28P01', '28000', '3D000']);
const undefinedTable = '42P01';
const insufficientPrivilege = '42501';
const queryCancelled = '57014';

/** @throws CliError `unreachable` when PostgreSQL cannot be reached or is not migrated */
export async function withDatabase<T>(
  url: string,
  work: (db: Knex) => Promise<T>,
  { statementTimeoutMs = defaultStatementTimeoutMs } = {},
): Promise<T> {
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
  if (code === queryCancelled) {
    const hint =
      'Ask for less, for example of one field (--field) or of a shorter time (--since), or try again when it has less to do.';
    return new CliError('negative', `PostgreSQL took too long: ${reasonOf(native)}.`, { hint, cause: error });
  }
  if (code === insufficientPrivilege) {
    const hint = 'Use the role of the API and the workers in DATABASE_URL, or grant this one what it lacks.';
    return new CliError('usage', `The role of DATABASE_URL may not do this: ${reasonOf(native)}.`, {
      hint,
      cause: error,
    });
  }
  if (!isTransient(native) && !accessDeniedCodes.has(code)) return error;
  return new CliError('unreachable', `PostgreSQL at ${describeAddress(url)} cannot be reached: ${reasonOf(native)}`, {
    hint: 'Check that it is running and that DATABASE_URL is right. If that is not set, the running `npm start` provides it.',
    cause: error,
  });
}

/** Whether PostgreSQL responded, but rejected the credentials or the database name. */
export function isAccessDenied(error: unknown): boolean {
  const native = nativeError(error instanceof CliError ? error.cause : error);
  return accessDeniedCodes.has((native as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** Whether an error is a temporary outage of PostgreSQL. */
export function isDatabaseOutage(error: unknown): boolean {
  return isTransient(nativeError(error));
}

/** Objection wraps the driver's error, which has the code. */
function nativeError(error: unknown): unknown {
  return error instanceof DBError ? error.nativeError : error;
}

/** Host, port and database, without the password. */
export function describeAddress(url: string): string {
  try {
    const [first, ...others] = parsePostgresUrl(url).hosts.map((host) => new URL(host));
    const hosts = [first, ...others].map((address) => address?.host).join(',');
    const pathname = first?.pathname ?? '/';
    return `${hosts}${pathname === '/' ? '' : pathname}`;
  } catch {
    return 'the address given';
  }
}
