/** For what the log is told now and then, and for a last time at the end. */
import type { Lifecycle } from './process/lifecycle.ts';

const everyMs = 60_000;

export function everyMinute(
  name: string,
  report: () => void | Promise<void>,
  lifecycle: Pick<Lifecycle, 'onStop'>,
): void {
  const timer = setInterval(() => void report(), everyMs);
  timer.unref();
  lifecycle.onStop(name, () => {
    clearInterval(timer);
    return report();
  });
}
