/**
 * Preloaded into the API and the worker that `npm start` runs (`--import`): when the supervisor is gone, whatever killed
 * it, they stop as on SIGTERM. They run in sessions of their own, so that neither Ctrl-C nor a closed terminal does it.
 */

/** Longer than a process gives its own shutdown (shared/process/lifecycle.ts). */
const DEADLINE_MS = 22_000;

if (process.channel) {
  process.on('disconnect', () => {
    setTimeout(() => process.exit(1), DEADLINE_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  process.channel.unref();
}
