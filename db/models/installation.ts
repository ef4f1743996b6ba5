/** `installation`: one row, the identity of this database. */
import type { Knex } from 'knex';
import { z } from 'zod';
import { Row } from './row.ts';

const installationSchema = z.strictObject({ id: z.uuid() });

class InstallationRow extends Row {
  static override readonly tableName = 'installation';
  static override readonly schema = installationSchema;

  declare id: z.infer<typeof installationSchema>['id'];
}

/** The id of this database. Cached copies carry it, so that those of another database are never used. */
export async function readInstallationId(db: Knex): Promise<string> {
  return (await InstallationRow.query(db).first().throwIfNotFound()).id;
}
