/** Waits an outage out, but not for ever: whoever typed the command is better served by a sentence. */
import { setTimeout as delay } from 'node:timers/promises';

const initialDelayMs = 100;
const maxDelayMs = 2000;

export interface RetryPolicy {
  readonly timeoutMs: number;
  /** Which errors pass by themselves. */
  readonly isOutage: (error: unknown) => boolean;
  /** Told once an outage. */
  readonly onOutage: (error: unknown) => void;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** @throws the last error, when it is no outage, the limit is over, or the waiting was ended */
export async function retryOutage<T>(work: () => Promise<T>, retryPolicy: RetryPolicy): Promise<T> {
  const { timeoutMs, isOutage, onOutage, signal } = retryPolicy;
  let outageStartedAt: number | undefined;
  for (let delayMs = initialDelayMs; ; delayMs = Math.min(2 * delayMs, maxDelayMs)) {
    try {
      return await work();
    } catch (error) {
      if (!isOutage(error) || signal.aborted) throw error;
      if (outageStartedAt === undefined) onOutage(error);
      outageStartedAt ??= Date.now();
      if (Date.now() - outageStartedAt >= timeoutMs) throw error;
      await delay(delayMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
