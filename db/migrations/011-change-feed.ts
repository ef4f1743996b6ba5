/**
 * The change feed: the commits to all fields in one order. Positions are given after the commits, by one transaction at a time,
 * so that a position becomes visible only together with all lower ones.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE change_ranges (
      position bigint PRIMARY KEY,
      id uuid NOT NULL DEFAULT gen_random_uuid(),
      field_id text COLLATE "C" NOT NULL,
      genesis uuid NOT NULL,
      after_version bigint NOT NULL,
      version bigint NOT NULL,
      is_deletion boolean NOT NULL DEFAULT false,
      added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      CHECK (after_version <= version)
    );
    COMMENT ON TABLE change_ranges IS
      'the change feed: entries of logs, as ranges of versions, in the order in which they are handed out';
    COMMENT ON COLUMN change_ranges.id IS
      'part of cursors, so that a position that a failover has lost and that is given again is not mistaken for it';
    COMMENT ON COLUMN change_ranges.is_deletion IS 'the field, which was at this version, was erased as a whole';

    CREATE TABLE change_heads (
      field_id text COLLATE "C" PRIMARY KEY,
      genesis uuid NOT NULL,
      version bigint NOT NULL
    );
    COMMENT ON TABLE change_heads IS 'up to which version the change feed has the log of each field';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE change_heads, change_ranges');
}
