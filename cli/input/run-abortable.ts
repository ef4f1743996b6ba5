/** Ctrl-C for a command that has something to clean up: the first asks it to end, the second ends it. */
import { CliError } from '../errors/cli-error.ts';

/** @throws CliError `stopped` when a signal came, whatever the work made of it */
export async function runAbortable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abortController = new AbortController();
  const onSignal = () => {
    if (abortController.signal.aborted) process.exit(130);
    abortController.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await work(abortController.signal);
  } catch (cause) {
    throw abortController.signal.aborted
      ? new CliError('stopped', 'Stopped: nothing is left half done.', { cause })
      : cause;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
