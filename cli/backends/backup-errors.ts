/** Explains errors of backups, each with a hint about what to do next. */
import { type BackupCheck, BackupError } from '../../db/backup/files/backup-error.ts';
import { CliError } from '../errors/cli-error.ts';
import { explainDatabaseError } from './with-database.ts';

const damagedHint =
  'Nothing was restored. Use another backup: `npx consciousness-field backup list` shows which are verified.';
const hints: Readonly<Record<BackupCheck, string>> = {
  manifest: damagedHint,
  newer_schema: 'Nothing was restored. Use the version that took the backup, or a newer one.',
  missing: damagedHint,
  truncated: damagedHint,
  checksum: damagedHint,
  row_count: damagedHint,
  content: damagedHint,
  not_empty: 'Nothing was changed. Create an empty database, and pass its address with --database.',
};

const folderErrorReasons: Readonly<Record<string, string>> = {
  EACCES: 'this user has no permission to write there',
  EPERM: 'this user has no permission to write there',
  EROFS: 'it is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a file is in the way',
};
const insufficientPrivilege = '42501';

export function explainBackupError(error: unknown, url: string): unknown {
  if (error instanceof BackupError) {
    return new CliError('negative', `Refused (${error.check}): ${error.message}`, {
      hint: hints[error.check],
      cause: error,
    });
  }
  const { code = '', path = '' } = error as { code?: string; path?: string };
  const reason = folderErrorReasons[code];
  if (reason) {
    const hint = 'Choose another folder with --to or BACKUP_FOLDER.';
    return new CliError('negative', `Nothing can be written to ${path || 'the folder'}: ${reason}.`, {
      hint,
      cause: error,
    });
  }
  if (code === insufficientPrivilege) {
    return new CliError(
      'negative',
      'The database user has no permission to create the scratch database of a verification.',
      {
        hint: 'Grant it with ALTER ROLE … CREATEDB, or restore the backup by hand into a database that you have created.',
        cause: error,
      },
    );
  }
  return explainDatabaseError(error, url);
}
