/** Runs one command line and maps its outcome to an exit code. Independent of the process, which the context represents. */
import { inspect } from 'node:util';
import { CommanderError } from 'commander';
import type { CommandContext } from './context/command-context.ts';
import { CliError, type ExitCodeName } from './errors/cli-error.ts';
import { createProgram } from './program.ts';
import { escapeControlChars } from './text/escape-control-chars.ts';

/** @param args without the names of the interpreter and the script */
export async function runProgram(args: readonly string[], context: CommandContext): Promise<void> {
  try {
    await createProgram(context).parseAsync(args, { from: 'user' });
  } catch (error) {
    context.setExitCode(reportFailure(error, context));
  }
}

/** Prints what went wrong. Only an unexpected error is printed with its stack trace. */
function reportFailure(error: unknown, context: CommandContext): ExitCodeName {
  // Commander has printed its own message already; --help and --version end this way too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 'ok' : 'usage';
  if (!(error instanceof CliError)) {
    context.warn(inspect(error));
    return 'negative';
  }
  context.warn(escapeControlChars(error.message));
  if (error.hint) context.warn(error.hint);
  return error.exit;
}
