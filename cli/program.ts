/**
 * The command line of `consciousness-field`: commands by group. Names, options and help texts are declared in
 * `commands/<group>.ts`; what a command does is imported when it runs, so that `--help` starts quickly.
 */
import { Command } from 'commander';
import about from '../package.json' with { type: 'json' };
import { addBackupCommands } from './commands/backups.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addEraseCommand } from './commands/erase.ts';
import { addFieldCommands } from './commands/fields.ts';
import { addMcpCommand } from './commands/mcp.ts';
import { addOperatorCommands } from './commands/operators.ts';
import { addSystemCommands } from './commands/system.ts';
import { addTokenCommands } from './commands/tokens.ts';
import { addUpdateCommands } from './commands/updates.ts';
import { addWebhookCommands } from './commands/webhooks.ts';
import type { CommandContext } from './context/command-context.ts';
import { createProcessContext } from './context/process-context.ts';
import { type ExitCodeName, exitCodes, exitMeanings } from './errors/cli-error.ts';

const exits = Object.entries(exitCodes)
  .map(([name, code]) => `  ${String(code).padEnd(5)}${exitMeanings[name as ExitCodeName]}`)
  .join('\n');

const help = `
Settings come from the environment, from a file .env in this folder, or from a running \`npm start\`.
Each command requires only the settings that it uses, and names those that are missing. Every command accepts --json.

Exit codes:
${exits}`;

export function createProgram(context: CommandContext = createProcessContext()): Command {
  const program = new Command('consciousness-field')
    .description('Operates a consciousness field: its database, its fields, and bulk updates to them.')
    .version(about.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    // Options that follow the name of a command belong to that command.
    .enablePositionalOptions()
    .addHelpText('after', help)
    .showHelpAfterError('Run it with --help for its usage.')
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .exitOverride();
  program.commandsGroup('Operate the system:');
  addSystemCommands(program, context);
  addBackupCommands(program, context);
  addTokenCommands(program, context);
  addOperatorCommands(program, context);
  addEraseCommand(program, context);
  addWebhookCommands(program, context);
  program.commandsGroup('Inspect fields:');
  addFieldCommands(program, context);
  addMcpCommand(program, context);
  program.commandsGroup('Send updates:');
  addUpdateCommands(program, context);
  program.commandsGroup('Set up the shell:');
  addCompletionCommand(program, context);
  return program;
}
