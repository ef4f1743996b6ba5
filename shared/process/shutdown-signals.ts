/** What the signals that ask for an end mean: the first one stops, a second one forces. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C arrives up to three times: from the terminal, from npm and from tsx. Within this time it is still the same. */
const SAME_PRESS_MS = 1000;

export function onStopSignals(stop: (signal: NodeJS.Signals) => void, force: () => void): void {
  let firstAt: number | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const now = performance.now();
      if (firstAt === undefined) {
        firstAt = now;
        stop(signal);
      } else if (now - firstAt > SAME_PRESS_MS) {
        force();
      }
    });
  }
}
