/** The entry point of `consciousness-field`: binds the program to this process. */
import { existsSync } from 'node:fs';
import { createProcessContext } from './context/process-context.ts';
import { exitCodes } from './errors/cli-error.ts';
import { runProgram } from './run-program.ts';

// `field state global | head` closes the pipe early, which is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitCodes.ok);
});
if (existsSync('.env')) process.loadEnvFile('.env');
await runProgram(process.argv.slice(2), createProcessContext());
