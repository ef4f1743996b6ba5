/** Handles signals that request a shutdown: the first one stops the process, a second one forces it to end. */

const shutdownSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C arrives up to three times: from the terminal, from npm and from tsx. Repeats within this time are ignored. */
const duplicateSignalMs = 1000;

export function onShutdownSignals(stop: (signal: NodeJS.Signals) => void, force: () => void): void {
  let firstAt: number | undefined;
  for (const signal of shutdownSignals) {
    process.on(signal, () => {
      const now = performance.now();
      if (firstAt === undefined) {
        firstAt = now;
        stop(signal);
      } else if (now - firstAt > duplicateSignalMs) {
        force();
      }
    });
  }
}
