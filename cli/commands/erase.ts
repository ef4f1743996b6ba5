/** Declares the command that erases the data of a user, a device or a field. */
import type { Command } from 'commander';
import type { CommandContext } from '../context/command-context.ts';
import type { EraseOptions } from '../erase/erase.ts';
import { parseDevice, parseField } from '../input/parse-arguments.ts';

const eraseHelp = `
Without --yes it only prints what would be erased. Revoke the tokens first (\`token revoke\`), or new updates may follow. The API
and the workers may be running. After Ctrl-C or a failure, run the same command again to continue. Needs ERASURE_KEY, with the same value for
all processes.

Examples:
  $ npx consciousness-field erase --user user-17
  $ npx consciousness-field erase --user user-17 --yes
  $ npx consciousness-field erase --recorded --yes`;

export function addEraseCommand(program: Command, context: CommandContext): void {
  program
    .command('erase')
    .description('Erases what a user or a device has written, or a whole field, from databases, queues and caches.')
    .option(
      '--user <id>',
      'a user (the `sub` of the tokens), in all fields, with the devices that no other user has used',
    )
    .option('--device <id>', 'a device, in all fields', parseDevice)
    .option('--field <id>', 'a whole field', parseField)
    .option(
      '--recorded',
      'all erasures and revocations that are recorded next to the backups and missing in the database',
    )
    .option('--yes', 'erase; without it, nothing is changed')
    .option('--by <name>', 'who requested it, for the audit log (default: the user of this machine)')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', eraseHelp)
    .action(async (options: EraseOptions) => (await import('../erase/erase.ts')).erase(options, context));
}
