/** Which failures of PostgreSQL are transient, and the policy by which they are retried. */
import { type Retry, type RetryOptions, retry } from '../shared/process/retry.ts';

export type TransientRetryOptions = Required<Pick<RetryOptions, 'signal' | 'onRetry'>>;

/** Retries transient failures without a limit: an outage of PostgreSQL must not fail a job. */
export const createRetry =
  (options: TransientRetryOptions): Retry =>
  (work) =>
    retry(work, { maxDelayMs: 3000, isRetryable: isTransient, ...options });

/**
 * SQLSTATE classes of outages and races: connection, transaction state (a read-only server, as after a failover), login,
 * races, resources, locks, operator's shutdown, system.
 */
const transientClasses = ['08', '25', '28', '40', '53', '55', '57', '58'];
/** A missing database, table, column or privilege is a setup mistake that an operator can fix. The job is not at fault. */
const schemaSetupCodes = ['3D000', '42501', '42P01', '42703'];
/** Codes of system errors that do not name the failed system call. */
const systemCodes = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'];
const transientCodes = new Set([...schemaSetupCodes, ...systemCodes]);
const transientMessages =
  /Connection terminated|Connection ended|Query read timeout|timeout expired|Timeout acquiring a connection|server closed the connection|Client has encountered a connection error|Unable to acquire a connection/i;

/** Whether trying again later can help: an outage, a lost connection, a lock, a full disk. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Any failed system call: the network is down, or the process is out of file descriptors.
  if ('syscall' in error && error.syscall !== undefined) return true;
  // Node reports one error for each address of a host.
  if (error instanceof AggregateError && error.errors.some(isTransient)) return true;
  // Objection keeps the driver's error, and with it the code, in here.
  if ('nativeError' in error && isTransient(error.nativeError)) return true;
  const { code } = error as NodeJS.ErrnoException;
  if (code && transientCodes.has(code)) return true;
  if (code?.length === 5 && transientClasses.includes(code.slice(0, 2))) return true;
  if (transientMessages.test(error.message)) return true;
  return error.cause !== undefined && isTransient(error.cause);
}

/** The reason of a failure, for operators, without the SQL statement that knex puts before the database's message. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code?.length !== 5) return error.message;
  const words = error.message.lastIndexOf(' - ');
  return `database_error ${code}: ${words < 0 ? error.message : error.message.slice(words + 3)}`;
}
