/**
 * The change feed: the commits to all fields in one order. Positions are given after the commits, by one transaction at a time,
 * so that a position becomes visible only together with all lower ones. Webhooks are sent from it.
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

    CREATE INDEX change_ranges_field_id_version ON change_ranges (field_id, version);
    CREATE INDEX change_ranges_deletions ON change_ranges (added_at) WHERE is_deletion;

    CREATE TABLE change_heads (
      field_id text COLLATE "C" PRIMARY KEY,
      genesis uuid NOT NULL,
      version bigint NOT NULL
    );
    COMMENT ON TABLE change_heads IS 'up to which version the change feed has the log of each field';

    CREATE TABLE webhooks (
      id uuid PRIMARY KEY,
      url text NOT NULL,
      fields text[] NOT NULL,
      kinds text[],
      region jsonb,
      status text COLLATE "C" NOT NULL CHECK (status IN ('active', 'paused')),
      cursor text COLLATE "C" NOT NULL,
      attempted_through text COLLATE "C",
      attempts integer NOT NULL DEFAULT 0,
      refusals integer NOT NULL DEFAULT 0,
      retry_at timestamptz,
      last_error text,
      delivered_at timestamptz,
      lease uuid,
      leased_until timestamptz,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON TABLE webhooks IS
      'who is sent the change feed, and up to which cursor they have it; their secrets are derived from WEBHOOK_KEY and not stored';
    COMMENT ON COLUMN webhooks.attempted_through IS
      'up to where the message goes that has failed, so that it is repeated as it was';

    CREATE TABLE webhook_dead_letters (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
      failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      after_cursor text COLLATE "C" NOT NULL,
      through_cursor text COLLATE "C" NOT NULL,
      reason text NOT NULL
    );
    COMMENT ON TABLE webhook_dead_letters IS
      'messages that receivers have refused for good, as places in the change feed; they have no content';
    CREATE INDEX webhook_dead_letters_webhook_id ON webhook_dead_letters (webhook_id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE webhook_dead_letters, webhooks, change_heads, change_ranges');
}
