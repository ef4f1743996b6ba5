/** Waits for a named condition with a deadline. Tests use it instead of sleeping. */
import { setTimeout as delay } from 'node:timers/promises';

type MaybeResult<T> = T | undefined | null | false;

/**
 * Polls `check` until its result is neither undefined, null nor false, and returns the result. A check that throws is
 * retried; the last error becomes the cause of the timeout error.
 * @throws Error that names the condition, after `timeoutMs`
 */
export async function waitUntil<T>(
  condition: string,
  check: () => MaybeResult<T> | Promise<MaybeResult<T>>,
  { timeoutMs = 15_000, intervalMs = 20 } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const result = await check();
      if (result !== undefined && result !== null && result !== false) return result;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline)
      throw new Error(`timed out after ${timeoutMs} ms waiting until ${condition}`, { cause });
    await delay(intervalMs);
  }
}
