/** Records of backups taken, so that a process without access to the backup folder can read the newest one's age. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE backups (
      name text COLLATE "C" PRIMARY KEY,
      taken_at timestamptz NOT NULL,
      tried_at timestamptz,
      verified_at timestamptz
    );
    COMMENT ON COLUMN backups.verified_at IS 'when it was restored into a scratch database and found equal';
    COMMENT ON COLUMN backups.tried_at IS 'when that was last tried';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE backups');
}
