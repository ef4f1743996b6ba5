/** Waits an outage out, but not for ever: whoever typed the command is better served by a sentence. */
import { setTimeout as delay } from 'node:timers/promises';

const firstPauseMs = 100;
const longestPauseMs = 2000;

export interface Patience {
  readonly limitMs: number;
  /** Which errors pass by themselves. */
  readonly isOutage: (error: unknown) => boolean;
  /** Told once an outage. */
  readonly onOutage: (error: unknown) => void;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** @throws the last error, when it is no outage, the limit is over, or the waiting was ended */
export async function retryOutage<T>(work: () => Promise<T>, patience: Patience): Promise<T> {
  const { limitMs, isOutage, onOutage, signal } = patience;
  let since: number | undefined;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await work();
    } catch (error) {
      if (!isOutage(error) || signal.aborted) throw error;
      if (since === undefined) onOutage(error);
      since ??= Date.now();
      if (Date.now() - since >= limitMs) throw error;
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
