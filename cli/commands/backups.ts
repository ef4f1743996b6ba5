/** Declares the commands that take, check and restore backups. */
import type { Command } from 'commander';
import type { CommandContext } from '../context/command-context.ts';
import type { BackupOptions } from './backups/backup.ts';
import type { RestoreOptions } from './backups/restore.ts';

const backupHelp = `
Examples:
  $ npx consciousness-field backup --to /mnt/safe
  $ npx consciousness-field backup list`;

const restoreHelp = `
Example:
  $ PGPASSWORD=… npx consciousness-field restore backups/field-… --database postgres://field@127.0.0.1/restored

Afterwards run \`DATABASE_URL=postgres://… npx consciousness-field verify\`, then start the workers and the API with this DATABASE_URL.`;

export function addBackupCommands(program: Command, context: CommandContext): void {
  const backup = program
    .command('backup')
    .description('Takes a backup of the database while it is in use. A worker also takes one a day.')
    .option('--to <folder>', 'where to create it, outside the schedule (default: BACKUP_FOLDER)')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', backupHelp)
    .action(async (options: BackupOptions) => (await import('./backups/backup.ts')).createBackup(options, context));
  backup
    .command('list')
    .description('list the backups in a folder, newest first, and when each was verified')
    .argument('[folder]', 'default: BACKUP_FOLDER')
    .option('--json', 'print them as JSON')
    .action(async (folder: string | undefined, _: BackupOptions, command: Command) =>
      (await import('./backups/backup.ts')).listFolder(folder, command.optsWithGlobals(), context),
    );
  backup
    .command('verify')
    .description('restore a backup into a scratch database on the same server, replay it, and compare')
    .argument('[backup]', 'its folder (default: the newest in BACKUP_FOLDER)')
    .option('--json', 'print the result as JSON')
    .action(async (path: string | undefined, _: BackupOptions, command: Command) =>
      (await import('./backups/backup.ts')).verifyFolder(path, command.optsWithGlobals(), context),
    );
  program
    .command('restore')
    .description('Restores a backup into an empty database, completely or not at all. Rejects damaged backups.')
    .argument('<backup>', 'the folder of the backup, as `field backup list` prints it')
    .requiredOption(
      '--database <url>',
      'an empty database, postgres://…, without a password (PGPASSWORD); never the one in use',
    )
    .option('--json', 'print the result as JSON')
    .addHelpText('after', restoreHelp)
    .action(async (path: string, options: RestoreOptions) =>
      (await import('./backups/restore.ts')).restore(path, options, context),
    );
}
