/** All that `field` can do. Each command is a file in `commands/`. */
import { Command } from 'commander';
import about from '../package.json' with { type: 'json' };
import { addConflictsCommand } from './commands/fields/conflicts.ts';
import { addHistoryCommand } from './commands/fields/history.ts';
import { addReplayCommand } from './commands/fields/replay.ts';
import { addStateCommand } from './commands/fields/state.ts';
import { addVerifyCommand } from './commands/fields/verify.ts';
import { addBackupCommand } from './commands/system/backup.ts';
import { addDeadLettersCommand } from './commands/system/dead-letters.ts';
import { addDoctorCommand } from './commands/system/doctor.ts';
import { addMigrateCommand } from './commands/system/migrate.ts';
import { addRestoreCommand } from './commands/system/restore.ts';
import { addStatusCommand } from './commands/system/status.ts';
import { addTokenCommand } from './commands/system/token.ts';
import { addEnqueueCommand } from './commands/updates/enqueue.ts';
import { addLoadCommand } from './commands/updates/load.ts';
import { addCompletionCommand } from './completion/command.ts';
import { exitCodes, exitMeanings } from './errors/cli-error.ts';

const exits = Object.entries(exitCodes)
  .map(([name, code]) => `  ${String(code).padEnd(5)}${exitMeanings[name as keyof typeof exitCodes]}`)
  .join('\n');

const help = `
Settings come from the environment, from a file .env in this folder, or from a running \`npm start\`.
Each command needs only those that it uses, and says what is missing. Every command takes --json.

Exit codes:
${exits}`;

export function createProgram(): Command {
  const program = new Command('consciousness-field')
    .description('Looks after a consciousness field: its database, its state, and the updates that it is given.')
    .version(about.version, '-V, --version', 'shows its version')
    .helpOption('-h, --help', 'shows this')
    .helpCommand(false)
    // What follows the name of a command is for that one.
    .enablePositionalOptions()
    .addHelpText('after', help)
    .showHelpAfterError('Ask for help with --help.')
    .exitOverride();
  program.commandsGroup('Look after the system:');
  addDoctorCommand(program);
  addStatusCommand(program);
  addDeadLettersCommand(program);
  addBackupCommand(program);
  addRestoreCommand(program);
  addMigrateCommand(program);
  addTokenCommand(program);
  program.commandsGroup('Look into fields:');
  addStateCommand(program);
  addConflictsCommand(program);
  addHistoryCommand(program);
  addReplayCommand(program);
  addVerifyCommand(program);
  program.commandsGroup('Send updates:');
  addEnqueueCommand(program);
  addLoadCommand(program);
  program.commandsGroup('For the shell:');
  addCompletionCommand(program);
  return program;
}
