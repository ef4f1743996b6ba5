/** One run of `enqueue`: the producer half sends updates while the consumer half awaits their receipts. */
import { type AwaitReceiptsDeps, awaitReceipts } from './await-receipts.ts';
import { InFlight } from './in-flight.ts';
import { type SendUpdatesDeps, sendUpdates } from './send-updates.ts';

/** How long a stopped run waits for the updates in flight. */
export const shutdownGraceMs = 5000;

export interface EnqueueInputsDeps extends Omit<SendUpdatesDeps, 'inFlight'> {
  readonly wait: boolean;
  readonly printLine: AwaitReceiptsDeps['printLine'];
  readonly written: AwaitReceiptsDeps['written'];
}

/** @returns whether all inputs were sent and, unless `wait` is false, applied */
export async function enqueueInputs(deps: EnqueueInputsDeps): Promise<boolean> {
  const { wait, signal } = deps;
  if (!wait) return sendUpdates({ ...deps, inFlight: undefined });
  const inFlight = new InFlight();
  const failed = new AbortController();
  const gracePeriod = abortAfter(signal, shutdownGraceMs);
  let isSending = true;

  const stopOther = (error: unknown) => {
    failed.abort();
    throw error;
  };
  const sent = sendUpdates({ ...deps, inFlight, signal: AbortSignal.any([signal, failed.signal]) })
    .catch(stopOther)
    .finally(() => {
      isSending = false;
    });
  const receiptsReceived = awaitReceipts({
    ...deps,
    inFlight,
    isSending: () => isSending,
    signal: AbortSignal.any([gracePeriod.signal, failed.signal]),
  }).catch(stopOther);

  const [sending, awaiting] = await Promise.allSettled([sent, receiptsReceived]);
  gracePeriod.cancel();
  if (sending.status === 'rejected') throw sending.reason;
  if (awaiting.status === 'rejected') throw awaiting.reason;
  return sending.value && inFlight.size === 0;
}

/** A signal that aborts `afterMs` after another one. */
export function abortAfter(signal: AbortSignal, afterMs: number): { signal: AbortSignal; cancel: () => void } {
  const abortController = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const startTimer = () => {
    timer = setTimeout(() => abortController.abort(), afterMs);
  };
  if (signal.aborted) startTimer();
  else signal.addEventListener('abort', startTimer, { once: true });
  return {
    signal: abortController.signal,
    cancel() {
      clearTimeout(timer);
      signal.removeEventListener('abort', startTimer);
    },
  };
}
