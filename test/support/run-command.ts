/** The entry point of a long test suite. It parses the options, prints the help, runs the suite and sets the exit code. */
import { onShutdownSignals } from '../../shared/process/shutdown-signals.ts';

export interface CommandDeps<Options extends { readonly isHelp: boolean }> {
  readonly help: string;
  /** @throws TypeError for an unknown option, RangeError for an invalid value; only the message of either is printed */
  readonly parseOptions: (args: readonly string[]) => Options;
  /** @returns the exit code. The signal is aborted by SIGINT or SIGTERM. */
  readonly run: (options: Options, printLine: (line: string) => void, signal: AbortSignal) => Promise<number>;
}

export async function runCommand<Options extends { readonly isHelp: boolean }>(
  deps: CommandDeps<Options>,
): Promise<never> {
  const printLine = (line: string) => console.log(line);
  const stop = new AbortController();
  try {
    const options = deps.parseOptions(process.argv.slice(2));
    if (options.isHelp) {
      printLine(deps.help);
      process.exit(0);
    }
    // A second signal exits at once; the orphan reaper then stops the processes that the suite has started.
    onShutdownSignals(
      () => stop.abort(),
      () => process.exit(1),
    );
    process.exit(await deps.run(options, printLine, stop.signal));
  } catch (error) {
    console.error(error instanceof RangeError || error instanceof TypeError ? error.message : error);
    process.exit(1);
  }
}
