/** Declares the command that erases what somebody has written. */
import type { Command } from 'commander';
import type { CommandContext } from '../context/command-context.ts';
import type { EraseOptions } from '../erase/erase.ts';
import { parseDevice, parseField } from '../input/parse-arguments.ts';

const eraseHelp = `
Without --yes it only prints what would be erased. Revoke the tokens first (\`token revoke\`), or new updates may follow. The API
and the workers may run. After Ctrl-C or a failure, the same command continues. Needs ERASURE_KEY, which all processes share.

Examples:
  $ npx consciousness-field erase --user user-17
  $ npx consciousness-field erase --user user-17 --yes
  $ npx consciousness-field erase --recorded --yes`;

export function addEraseCommand(program: Command, context: CommandContext): void {
  program
    .command('erase')
    .description('Erases what a user or a device has written, or a whole field, from databases, queues and caches.')
    .option('--user <id>', 'the `sub` of their tokens; in all fields, with the devices that only they have used')
    .option('--device <id>', 'a device, in all fields', parseDevice)
    .option('--field <id>', 'a field, with everything that it has', parseField)
    .option('--recorded', 'all erasures and revocations beside the backups that the database does not have')
    .option('--yes', 'erase; without it, nothing is changed')
    .option('--by <name>', 'who asks for it, for the record (default: the user of this machine)')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', eraseHelp)
    .action(async (options: EraseOptions) => (await import('../erase/erase.ts')).erase(options, context));
}
