/** Why a backup cannot be used, by the check that it failed and the file that is to blame. */

export type BackupCheck =
  /** It is no backup, or its manifest cannot be trusted. */
  | 'manifest'
  /** It was made by a newer version of this system. */
  | 'newer_schema'
  | 'missing'
  | 'truncated'
  | 'checksum'
  | 'row_count'
  /** PostgreSQL refuses what it holds. */
  | 'content'
  /** The database that it was to go into holds something. */
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
