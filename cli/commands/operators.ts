/** Declares the commands about operators: their passwords and their actions. */
import { type Command, InvalidArgumentError } from 'commander';
import type { CommandContext } from '../context/command-context.ts';
import { integerBetween, parseDuration } from '../input/parse-arguments.ts';
import type { AuditOptions } from './operators/audit.ts';
import type { HashOptions } from './operators/hash-password.ts';

const hashHelp = `
The password is read from the terminal, where it is not shown, or from standard input, and never from the arguments, which other
users of the machine can see.

Example:
  $ npx consciousness-field operators hash ada --scopes board:read,metrics:read`;

const auditHelp = `
It records, among others: changes on the board, revocations, dead-letter commands, exports and imports, changed rules, migrations, restores and failed logins.

Examples:
  $ npx consciousness-field audit --since 2d
  $ npx consciousness-field audit --action board --operator ada --json`;

export function addOperatorCommands(program: Command, context: CommandContext): void {
  program
    .command('operators')
    .description('Manages who may log in to the board and the metrics.')
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ npx consciousness-field operators hash ada')
    .command('hash')
    .description('hash a password for OPERATORS_FILE')
    .argument('<name>', 'the name to log in with', parseName)
    .option(
      '--scopes <scopes>',
      'of metrics:read, changes:read, board:read, board:write and admin',
      'board:read metrics:read',
    )
    .option('--json', 'print one line')
    .addHelpText('after', hashHelp)
    .action(async (name: string, options: HashOptions) =>
      (await import('./operators/hash-password.ts')).printOperator(name, options, context),
    );
  program
    .command('audit')
    .description('Lists what operators have done, newest first.')
    .option('--operator <name>', 'only actions of this operator')
    .option('--action <action>', 'only this action, or those whose name begins with it, such as board')
    .option('--target <target>', 'only actions on this queue, job, device…')
    .option('--since <duration>', 'only actions of the last 90s, 45m, 12h, 30d or 2w', parseDuration)
    .option('--limit <count>', 'maximum number of results', integerBetween(1, 100_000), 100)
    .option('--json', 'print them as JSON')
    .addHelpText('after', auditHelp)
    .action(async (options: AuditOptions) => (await import('./operators/audit.ts')).printAudit(options, context));
}

function parseName(text: string): string {
  if (/^[A-Za-z0-9._@-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be 1 to 64 letters, digits or . _ @ -.');
}
