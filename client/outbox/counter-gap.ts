/**
 * More than a device can have waiting at the server, and less than the gap that the server refuses. Random, so that two restores of
 * one backup do not assign the same counters.
 */
const minCounterGap = 10_000;
const maxCounterGap = 400_000;

/** How many counters are skipped when the storage turns out to be older than the device. */
export function pickCounterGap(random: () => number): number {
  return minCounterGap + Math.floor(random() * (maxCounterGap - minCounterGap));
}

/** How many counters are skipped when writes to the storage fail: fewer, since this may recur before any update is applied. */
export function pickCounterLeap(random: () => number): number {
  return Math.ceil(pickCounterGap(random) / 10);
}
