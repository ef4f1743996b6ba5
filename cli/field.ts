/** The `field` command: its subcommands, and how an error ends the process. Each command is a file in `commands/`. */
import { existsSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import about from '../package.json' with { type: 'json' };
import { addBackupCommand } from './commands/backup.ts';
import { addConflictsCommand } from './commands/conflicts.ts';
import { addDeadCommand } from './commands/dead.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEnqueueCommand } from './commands/enqueue.ts';
import { addHistoryCommand } from './commands/history.ts';
import { addMigrateCommand } from './commands/migrate.ts';
import { addReplayCommand } from './commands/replay.ts';
import { addRestoreCommand } from './commands/restore.ts';
import { addStateCommand } from './commands/state.ts';
import { addTokenCommand } from './commands/token.ts';
import { addVerifyCommand } from './commands/verify.ts';
import { CliError, exitCodes } from './exit-codes.ts';
import { printable } from './printable.ts';

const help = `
Settings come from the environment, from a file .env in this folder, or from a running \`npm start\`.
Each command needs only those that it uses, and says what is missing.

Exit codes:
  0    done, and the answer is yes
  1    done, and the answer is no: differences, refused lines, no such field
  2    wrong usage, or a setting is missing
  3    PostgreSQL or Redis cannot be reached
  130  stopped by Ctrl-C`;

function createProgram(): Command {
  const program = new Command('field')
    .description('Looks after a consciousness field: its database, its state, and the updates that it is given.')
    .version(about.version)
    .helpOption('-h, --help', 'shows this')
    .helpCommand(false)
    // What follows the name of a command is for that one.
    .enablePositionalOptions()
    .addHelpText('after', help)
    .showHelpAfterError('Ask for help with --help.')
    .exitOverride();
  addEnqueueCommand(program);
  addStateCommand(program);
  addConflictsCommand(program);
  addHistoryCommand(program);
  addReplayCommand(program);
  addVerifyCommand(program);
  addDeadCommand(program);
  addDoctorCommand(program);
  addBackupCommand(program);
  addRestoreCommand(program);
  addTokenCommand(program);
  addMigrateCommand(program);
  return program;
}

/** Says what went wrong. Only what nobody foresaw shows where in the code it was. */
function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (!(error instanceof CliError)) {
    console.error(error);
    return exitCodes.no;
  }
  console.error(printable(error.message));
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
