/**
 * Above what a device can have waiting at the server, and below the gap that the server refuses. Random, so that a device that is
 * restored twice does not use counters twice.
 */
const minCounterGap = 10_000;
const maxCounterGap = 400_000;

/** How many counters are skipped when the storage turns out to be older than the device. */
export function pickCounterGap(random: () => number): number {
  return minCounterGap + Math.floor(random() * (maxCounterGap - minCounterGap));
}

/** How many counters are skipped when the storage takes nothing: fewer, since that may happen again before anything is applied. */
export function pickCounterLeap(random: () => number): number {
  return Math.ceil(pickCounterGap(random) / 10);
}
