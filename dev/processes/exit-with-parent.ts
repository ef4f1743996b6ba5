/**
 * Preloaded (`--import`) into the API and the worker of `npm start`: when the supervisor ends for any reason, they
 * stop as on SIGTERM. They lead their own sessions, so neither Ctrl-C nor a closed terminal reaches them.
 */

/** Longer than the shutdown timeout of a process (shared/process/lifecycle.ts). */
const deadlineMs = 22_000;

if (process.channel) {
  process.on('disconnect', () => {
    setTimeout(() => process.exit(1), deadlineMs).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  process.channel.unref();
}
