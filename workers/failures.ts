/** Which failures pass by themselves, and how they are waited out. */

/** Waits out what passes: tries again for as long as it takes. Throws what does not pass, or once it is stopped. */
export type Retry = <T>(work: () => Promise<T>) => Promise<T>;

const firstPauseMs = 50;
const longestPauseMs = 3000;

export interface RetryOptions {
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  readonly onRetry: (error: unknown, attempt: number) => void;
}

export function createRetry({ signal, onRetry }: RetryOptions): Retry {
  return async (work) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (!isPassing(error) || signal.aborted) throw error;
        onRetry(error, attempt);
        await pause(Math.min(longestPauseMs, firstPauseMs * 2 ** attempt) * (0.5 + Math.random() / 2), signal);
      }
    }
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

/** SQLSTATE classes of outages and races: connection, resources, operator's shutdown, locks, system. */
const passingClasses = ['08', '40', '53', '55', '57', '58'];
const passingCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', '25P03']);
const passingMessages =
  /Connection terminated|Connection ended|Query read timeout|timeout expired|Timeout acquiring a connection|server closed the connection|Client has encountered a connection error|Unable to acquire a connection/i;

/** Whether trying again later can help: an outage, a lost connection, a lock, a full disk. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Objection keeps the driver's error, and with it the code, in here.
  if ('nativeError' in error && isPassing(error.nativeError)) return true;
  const { code } = error as NodeJS.ErrnoException;
  if (code && passingCodes.has(code)) return true;
  if (code?.length === 5 && passingClasses.includes(code.slice(0, 2))) return true;
  if (passingMessages.test(error.message)) return true;
  return error.cause !== undefined && isPassing(error.cause);
}

/** Why something failed, for operators. knex puts the statement before the database's own words: it is left out. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code?.length !== 5) return error.message;
  const words = error.message.lastIndexOf(' - ');
  return `database_error ${code}: ${words < 0 ? error.message : error.message.slice(words + 3)}`;
}
