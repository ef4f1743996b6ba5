/** The migrations as a list, named without an extension: the same however the code is run. */
import type { Knex } from 'knex';
import * as fields from './001-fields.ts';
import * as revocations from './002-revocations.ts';

interface NamedMigration extends Knex.Migration {
  readonly name: string;
}

const migrations: readonly NamedMigration[] = [
  { name: '001-fields', up: fields.up, down: fields.down },
  { name: '002-revocations', up: revocations.up, down: revocations.down },
];

export const migrationSource: Knex.MigrationSource<NamedMigration> = {
  getMigrations: async () => [...migrations],
  getMigrationName: ({ name }) => name,
  getMigration: async (migration) => migration,
};
