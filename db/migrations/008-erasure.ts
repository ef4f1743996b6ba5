/** What the erasure of a user, a device or a field leaves: entries without content, counters under pseudonyms, and a record. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE field_updates
      ALTER COLUMN device_id DROP NOT NULL, ALTER COLUMN counter DROP NOT NULL,
      ALTER COLUMN update DROP NOT NULL, ALTER COLUMN salt DROP NOT NULL,
      ADD COLUMN content_hash text COLLATE "C",
      ADD CONSTRAINT field_updates_content CHECK (
        (device_id IS NULL) = (counter IS NULL)
        AND (device_id IS NULL OR update IS NOT NULL)
        AND (content_hash IS NOT NULL OR (salt IS NOT NULL AND update IS NOT NULL))
      );
    COMMENT ON COLUMN field_updates.content_hash IS
      'what the hash covers of a content that was erased, entirely or in part; null while the content is complete';
    COMMENT ON COLUMN field_updates.device_id IS 'null for an erasure, and for an entry whose content was erased';
    CREATE INDEX field_updates_erasures ON field_updates (field_id, version)
      WHERE device_id IS NULL AND update IS NOT NULL;

    ALTER TABLE consciousness_states ADD COLUMN has_erased_counters boolean NOT NULL DEFAULT false;
    COMMENT ON COLUMN consciousness_states.has_erased_counters IS
      'whether erased_counters may have devices of this field, whose updates are not applied again';

    CREATE TABLE erased_counters (
      pseudonym text COLLATE "C" PRIMARY KEY,
      counter bigint NOT NULL
    );
    COMMENT ON TABLE erased_counters IS
      'the highest counter that an erased device has used in a field, under a keyed pseudonym of both';

    CREATE TABLE erasures (
      id uuid PRIMARY KEY,
      kind text NOT NULL,
      subject text COLLATE "C" NOT NULL,
      devices text[] NOT NULL,
      key_check text COLLATE "C" NOT NULL,
      requested_by text NOT NULL,
      requested_at timestamptz NOT NULL,
      finished_at timestamptz,
      counts jsonb NOT NULL,
      CHECK (kind IN ('user', 'device', 'field'))
    );
    COMMENT ON COLUMN erasures.subject IS 'a keyed pseudonym, as are the devices';
    COMMENT ON COLUMN erasures.key_check IS 'tells whether ERASURE_KEY is still the same';
    COMMENT ON COLUMN erasures.finished_at IS 'null while it is unfinished: the same command continues it';
    COMMENT ON COLUMN erasures.counts IS 'how many rows and jobs were erased';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE erasures, erased_counters;
    ALTER TABLE consciousness_states DROP COLUMN has_erased_counters;
    DROP INDEX field_updates_erasures;
    ALTER TABLE field_updates
      DROP CONSTRAINT field_updates_content,
      DROP COLUMN content_hash,
      ALTER COLUMN device_id SET NOT NULL, ALTER COLUMN counter SET NOT NULL,
      ALTER COLUMN update SET NOT NULL, ALTER COLUMN salt SET NOT NULL;
  `);
}
