/** Ctrl-C for a command that has something to clean up: the first asks it to end, the second ends it. */
import { CliError } from '../errors/cli-error.ts';

/** @throws CliError `stopped` when a signal came, whatever the work made of it */
export async function untilStopped<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await work(stop.signal);
  } catch (cause) {
    throw stop.signal.aborted ? new CliError('stopped', 'Stopped: nothing is left half done.', { cause }) : cause;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
