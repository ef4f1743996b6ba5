/** Limits the wait for a promise. Its work continues; only the result is dropped. */

/** @throws Error with the given message if the promise has not settled in time */
export function withTimeout<T>(
  promise: Promise<T>,
  timeoutMs: number,
  message = `no answer within ${timeoutMs} ms`,
): Promise<T> {
  return raceTimer(promise, timeoutMs, (_resolve, reject) => reject(new Error(message)));
}

/** Resolves with `value` if the promise has not settled in time. */
export function withTimeoutValue<T, V>(promise: Promise<T>, timeoutMs: number, value: V): Promise<T | V> {
  return raceTimer<T, V>(promise, timeoutMs, (resolve) => resolve(value));
}

type OnTimeout<V> = (resolve: (value: V) => void, reject: (error: Error) => void) => void;

async function raceTimer<T, V>(promise: Promise<T>, timeoutMs: number, onTimeout: OnTimeout<V>): Promise<T | V> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<V>((resolve, reject) => {
    timer = setTimeout(() => onTimeout(resolve, reject), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
