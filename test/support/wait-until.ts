/** Waits for a named condition with a deadline. Tests use it instead of sleeping. */
import { setTimeout as delay } from 'node:timers/promises';

/**
 * A time limit, in ms. Limits only decide when a test that hangs is ended, so a machine that is slow, or that does much else, may
 * multiply them with TEST_PATIENCE.
 */
export function patient(ms: number): number {
  return ms * Number(process.env.TEST_PATIENCE ?? 1);
}

type MaybeResult<T> = T | undefined | null | false;

/**
 * Polls `check` until its result is neither undefined, null nor false, and returns the result. A check that throws is
 * retried; the last error becomes the cause of the timeout error.
 * @throws Error that names the condition, after `timeoutMs`, which `patient` extends
 */
export async function waitUntil<T>(
  condition: string,
  check: () => MaybeResult<T> | Promise<MaybeResult<T>>,
  { timeoutMs = 15_000, intervalMs = 20 } = {},
): Promise<T> {
  const limitMs = patient(timeoutMs);
  const deadline = performance.now() + limitMs;
  for (;;) {
    let cause: unknown;
    try {
      const result = await check();
      if (result !== undefined && result !== null && result !== false) return result;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline)
      throw new Error(`timed out after ${limitMs} ms waiting until ${condition}`, { cause });
    await delay(intervalMs);
  }
}
