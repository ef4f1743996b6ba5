/** The settings that decide how updates are merged, which all processes of an installation must share. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE rule_settings (
      name text COLLATE "C" PRIMARY KEY,
      value double precision NOT NULL
    );
    COMMENT ON TABLE rule_settings IS
      'recorded by the first worker; processes with other values do not start. Part of backups, since the fields depend on it';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE rule_settings');
}
