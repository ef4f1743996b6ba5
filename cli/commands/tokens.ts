/** Declares the commands that sign and revoke tokens. */
import { type Command, Option } from 'commander';
import type { CommandContext } from '../context/command-context.ts';
import { parseDevice, parseDuration } from '../input/parse-arguments.ts';
import type { JsonOption, RevocationOptions } from './tokens/revocations.ts';
import type { TokenOptions } from './tokens/sign-token.ts';

const defaultExpiry = '30d';

const help = `
Example:
  $ curl -H "Authorization: Bearer $(npx consciousness-field token --device phone-1)" http://127.0.0.1:3000/api/fields/global`;

export function addTokenCommands(program: Command, context: CommandContext): void {
  const token = program
    .command('token')
    .description('Prints a token for the API, signed with JWT_SECRET.')
    .enablePositionalOptions()
    .option('--device <id>', 'the device that the token allows to write', parseDevice)
    .option('--user <sub>', 'the user of the token (default: the device)')
    .option('--fields <patterns>', 'the fields, comma-separated: ids, patterns such as team-*, or *', '*')
    .option(
      '--scope <scopes>',
      'of field:read, field:write, metrics:read, changes:read, board:read, board:write and admin',
      'field:read field:write',
    )
    .addOption(
      new Option('--expires <duration>', 'its lifetime: 90s, 45m, 12h, 30d, 2w')
        .argParser(parseDuration)
        .default(parseDuration(defaultExpiry), defaultExpiry),
    )
    .option('--json', 'print the token and its claims as JSON')
    .addHelpText('after', help)
    .action(async (options: TokenOptions) => (await import('./tokens/sign-token.ts')).printToken(options, context));
  addRevocationCommands(token, context);
}

function addRevocationCommands(token: Command, context: CommandContext): void {
  const addSubjectOptions = (command: Command) =>
    command
      .option('--id <jti>', 'one token, by its id')
      .option('--token <jwt>', 'one token, by its text')
      .option('--device <id>', 'all tokens of a device issued until now', parseDevice)
      .option('--user <sub>', 'all tokens of a user issued until now')
      .option('--json', 'print the result as JSON');
  addSubjectOptions(token.command('revoke'))
    .description('revoke tokens: within a second, every process rejects their requests and closes their streams')
    .option('--reason <text>', 'the reason, for the list')
    .action(async (options: RevocationOptions) =>
      (await import('./tokens/revocations.ts')).revokeTokens(options, context),
    );
  addSubjectOptions(token.command('restore'))
    .description('accept revoked tokens again')
    .action(async (options: RevocationOptions) =>
      (await import('./tokens/revocations.ts')).restoreTokens(options, context),
    );
  token
    .command('list')
    .description('list the revocations, newest first')
    .option('--json', 'print them as JSON')
    .action(async (options: JsonOption) =>
      (await import('./tokens/revocations.ts')).printRevocations(options, context),
    );
}
