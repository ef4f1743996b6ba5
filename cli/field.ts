/** The `field` command as a process: its settings, and how an error ends it. What it can do is in `program.ts`. */
import { existsSync } from 'node:fs';
import { CommanderError } from 'commander';
import { CliError, exitCodes } from './errors/cli-error.ts';
import { escapeControlChars } from './output/escape-control-chars.ts';
import { createProgram } from './program.ts';

/** Says what went wrong. Only what nobody foresaw shows where in the code it was. */
function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (!(error instanceof CliError)) {
    console.error(error);
    return exitCodes.no;
  }
  console.error(escapeControlChars(error.message));
  if (error.hint) console.error(error.hint);
  return exitCodes[error.exit];
}

// `field state global | head` closes our output early: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitCodes.ok);
});
if (existsSync('.env')) process.loadEnvFile('.env');
try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
