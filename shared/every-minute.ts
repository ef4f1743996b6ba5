/** For what the log is told now and then, and for a last time at the end. */
import type { Lifecycle } from './process/lifecycle.ts';

const intervalMs = 60_000;

export function reportPeriodically(
  name: string,
  report: () => void | Promise<void>,
  lifecycle: Pick<Lifecycle, 'onStop'>,
): void {
  const timer = setInterval(() => void report(), intervalMs);
  timer.unref();
  lifecycle.onStop(name, () => {
    clearInterval(timer);
    return report();
  });
}
