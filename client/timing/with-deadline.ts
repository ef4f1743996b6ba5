/**
 * Waits for a promise that may never be settled, such as one of the app's functions.
 * @param toError called when the time is over
 * @throws what `toError` returns, if the promise takes longer
 */
export function withDeadline<T>(work: Promise<T>, timeoutMs: number, toError: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(toError()), timeoutMs);
    // In Node, work that a closed client has abandoned must not keep the process alive.
    (timer as { unref?(): void }).unref?.();
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
