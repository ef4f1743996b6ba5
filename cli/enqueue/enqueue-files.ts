/** An enqueueing from its beginning to its end: one half sends while the other waits for what was sent. */

import { type Settling, settleUpdates } from './await-receipts.ts';
import { InFlight } from './in-flight.ts';
import { type Sending, sendUpdates } from './send-updates.ts';

/** How long a run that was stopped still waits for what it has sent. */
const farewellMs = 5000;

export interface Enqueueing extends Omit<Sending, 'inFlight'> {
  readonly wait: boolean;
  readonly say: Settling['say'];
}

/** @returns whether all of the input was taken in and, if that is waited for, applied */
export async function enqueueFiles(enqueueing: Enqueueing): Promise<boolean> {
  const { wait, signal } = enqueueing;
  if (!wait) return sendUpdates({ ...enqueueing, inFlight: undefined });
  const inFlight = new InFlight();
  const failed = new AbortController();
  const farewell = endAfter(signal, farewellMs);
  let isSending = true;

  const stopOther = (error: unknown) => {
    failed.abort();
    throw error;
  };
  const sent = sendUpdates({ ...enqueueing, inFlight, signal: AbortSignal.any([signal, failed.signal]) })
    .catch(stopOther)
    .finally(() => {
      isSending = false;
    });
  const settled = settleUpdates({
    ...enqueueing,
    inFlight,
    isSending: () => isSending,
    signal: AbortSignal.any([farewell.signal, failed.signal]),
  }).catch(stopOther);

  const [sending, settling] = await Promise.allSettled([sent, settled]);
  farewell.cancel();
  if (sending.status === 'rejected') throw sending.reason;
  if (settling.status === 'rejected') throw settling.reason;
  return sending.value && inFlight.size === 0;
}

/** A signal that follows another one after a while. */
function endAfter(signal: AbortSignal, afterMs: number): { signal: AbortSignal; cancel: () => void } {
  const end = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    timer = setTimeout(() => end.abort(), afterMs);
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  return {
    signal: end.signal,
    cancel() {
      clearTimeout(timer);
      signal.removeEventListener('abort', begin);
    },
  };
}
