/** Revoked tokens, devices and users. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE revocations (
      kind text NOT NULL,
      subject text COLLATE "C" NOT NULL,
      revoked_at bigint NOT NULL,
      reason text,
      is_lifted boolean NOT NULL DEFAULT false,
      change bigint NOT NULL,
      PRIMARY KEY (kind, subject),
      UNIQUE (change),
      CHECK (kind IN ('token', 'device', 'user'))
    );
    COMMENT ON COLUMN revocations.change IS
      'counts up with every change to the table, in the order of commits: processes read what is above what they have';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE revocations');
}
