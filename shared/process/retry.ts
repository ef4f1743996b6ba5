/** Retries with exponential backoff and jitter. The client has its own policy in client/backoff.ts. */

export interface RetryOptions {
  /** The pause after the first failure, doubled after each further one. 100 ms unless given. */
  readonly initialDelayMs?: number;
  /** The longest pause. 5000 ms unless given; the same as `initialDelayMs` for pauses of constant length. */
  readonly maxDelayMs?: number;
  /** How long after the first failure the last attempt may begin. Unlimited unless given. */
  readonly timeoutMs?: number;
  /** Whether another attempt can help. Every error is retried unless given. */
  readonly isRetryable?: (error: unknown) => boolean;
  /** The shortest pause after this error, if the server has requested one (`Retry-After`). It may exceed `maxDelayMs`. */
  readonly minDelayMs?: (error: unknown) => number | undefined;
  /** Called before each pause. */
  readonly onRetry?: (error: unknown, attempt: RetryAttempt) => void;
  /** Stops retrying: a pause is cut short, and no further attempt begins. An attempt in flight is not aborted. */
  readonly signal?: AbortSignal;
}

export interface RetryAttempt {
  /** The number of the attempt that failed, counted from 1. */
  readonly attempt: number;
  /** The pause before the next one. */
  readonly delayMs: number;
}

/** `retry` with its options already applied. */
export type Retry = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Runs the work until it succeeds. A pause is between one half and all of its nominal length ("equal jitter",
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so that processes that lost the same server do not
 * reconnect at the same moment.
 *
 * @throws the last error, if it is not retryable, if the timeout is over or if the signal is aborted
 */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { initialDelayMs = 100, maxDelayMs = 5000, timeoutMs = Infinity } = options;
  const { isRetryable = () => true, minDelayMs, onRetry, signal } = options;
  let deadline: number | undefined;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      deadline ??= performance.now() + timeoutMs;
      if (signal?.aborted || performance.now() >= deadline || !isRetryable(error)) throw error;
      const nominalDelayMs = Math.min(maxDelayMs, initialDelayMs * 2 ** (attempt - 1));
      const jitteredMs = Math.round(jitter(nominalDelayMs, 0.5));
      const delayMs = Math.max(jitteredMs, minDelayMs?.(error) ?? 0);
      onRetry?.(error, { attempt, delayMs });
      await pause(delayMs, signal);
      if (signal?.aborted) throw error;
    }
  }
}

/** Between `least` and `least + 0.5` times `ms`, so that processes do not act in step. */
export function jitter(ms: number, least: number): number {
  return ms * (least + Math.random() / 2);
}

/** Resolves after the time, or as soon as the signal is aborted. */
function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal?.addEventListener('abort', end, { once: true });
    // `onRetry` may have aborted the signal, which then emits no event any more.
    if (signal?.aborted) end();
  });
}
