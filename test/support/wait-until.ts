/** Waits for a condition with a name. Tests use it in place of sleeping. */
import { setTimeout as delay } from 'node:timers/promises';

type MaybeResult<T> = T | undefined | null | false;

/**
 * Asks until the answer is neither undefined, null nor false, and returns it. A check that throws is asked again; the
 * last error becomes the cause of the failure.
 * @throws when `timeoutMs` is over, naming `what` was waited for.
 */
export async function waitUntil<T>(
  what: string,
  check: () => MaybeResult<T> | Promise<MaybeResult<T>>,
  { timeoutMs = 15_000, intervalMs = 20 } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const result = await check();
      if (result !== undefined && result !== null && result !== false) return result;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`, { cause });
    await delay(intervalMs);
  }
}
