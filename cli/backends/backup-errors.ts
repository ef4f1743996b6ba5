/** What goes wrong with backups, as a sentence and what to do about it. */
import { type BackupCheck, BackupError } from '../../db/backup/files/backup-error.ts';
import { CliError } from '../errors/cli-error.ts';
import { explainDatabaseError } from './with-database.ts';

const damagedHint =
  'Nothing was restored. Take another one: `npx consciousness-field backup list` shows which were verified.';
const hints: Readonly<Record<BackupCheck, string>> = {
  manifest: damagedHint,
  newer_schema: 'Nothing was restored. Use the version that took the backup, or a newer one.',
  missing: damagedHint,
  truncated: damagedHint,
  checksum: damagedHint,
  row_count: damagedHint,
  content: damagedHint,
  not_empty: 'Nothing was changed. Create an empty database, and name that one with --database.',
};

const folderErrorReasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'it cannot be written to',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a file is in the way',
};
const insufficientPrivilege = '42501';

export function explainBackupError(error: unknown, url: string): unknown {
  if (error instanceof BackupError) {
    return new CliError('no', `Refused (${error.check}): ${error.message}`, { hint: hints[error.check], cause: error });
  }
  const { code = '', path = '' } = error as { code?: string; path?: string };
  const reason = folderErrorReasons[code];
  if (reason) {
    const hint = 'Name another folder with --to, or with BACKUP_FOLDER.';
    return new CliError('no', `Nothing can be written to ${path || 'the folder'}: ${reason}.`, { hint, cause: error });
  }
  if (code === insufficientPrivilege) {
    return new CliError('no', 'The database user may not create the scratch database that a verification needs.', {
      hint: 'ALTER ROLE … CREATEDB, or restore the backup by hand into a database that you have created.',
      cause: error,
    });
  }
  return explainDatabaseError(error, url);
}
