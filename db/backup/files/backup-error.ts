/** The error for a backup that cannot be used: it carries the check that failed and names the file that is at fault. */

export type BackupCheck =
  /** The folder is not a backup, or its manifest is invalid or was altered. */
  | 'manifest'
  /** The backup was taken by a newer version of this system. */
  | 'newer_schema'
  | 'missing'
  | 'truncated'
  | 'checksum'
  | 'row_count'
  /** PostgreSQL rejects the content of a file, or the content does not match the manifest. */
  | 'content'
  /** The target database already contains data. */
  | 'not_empty';

export class BackupError extends Error {
  override name = 'BackupError';

  constructor(
    readonly check: BackupCheck,
    message: string,
    { cause }: { cause?: unknown } = {},
  ) {
    super(message, { cause });
  }
}
