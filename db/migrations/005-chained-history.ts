/**
 * Adds the chain of hashes over each log. What is stored is hashed as it is, and the states are folded again by the rules
 * of this version, whose result is the baseline that further entries continue. Entries keep the outcomes with which they
 * were answered. Nothing else may write meanwhile: stop the workers before.
 */
import type { Knex } from 'knex';
import { chainStoredLogs } from './steps/chain-stored-logs.ts';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE consciousness_states
      ADD COLUMN genesis uuid NOT NULL DEFAULT gen_random_uuid(),
      ADD COLUMN hash text COLLATE "C" NOT NULL DEFAULT '',
      ADD COLUMN log_start_hash text COLLATE "C" NOT NULL DEFAULT '',
      ADD COLUMN snapshot_hash text COLLATE "C" NOT NULL DEFAULT '';
    ALTER TABLE field_updates
      ADD COLUMN rules smallint NOT NULL DEFAULT 1,
      ADD COLUMN salt text COLLATE "C" NOT NULL DEFAULT '',
      ADD COLUMN hash text COLLATE "C" NOT NULL DEFAULT '';
    ALTER TABLE field_snapshots ADD COLUMN hash text COLLATE "C" NOT NULL DEFAULT '';
  `);
  await chainStoredLogs(knex);
  await knex.raw(`
    ALTER TABLE consciousness_states
      ALTER COLUMN genesis DROP DEFAULT, ALTER COLUMN hash DROP DEFAULT,
      ALTER COLUMN log_start_hash DROP DEFAULT, ALTER COLUMN snapshot_hash DROP DEFAULT;
    ALTER TABLE field_updates
      ALTER COLUMN rules DROP DEFAULT, ALTER COLUMN salt DROP DEFAULT, ALTER COLUMN hash DROP DEFAULT;
    ALTER TABLE field_snapshots ALTER COLUMN hash DROP DEFAULT;
    COMMENT ON COLUMN consciousness_states.genesis IS 'the id from which the hash of version 0 is computed';
    COMMENT ON COLUMN consciousness_states.hash IS 'the hash of the log entry at version';
    COMMENT ON COLUMN consciousness_states.log_start_hash IS 'the hash of the log entry at log_start, which is deleted';
    COMMENT ON COLUMN consciousness_states.snapshot_hash IS 'the hash of the log entry at snapshot_version';
    COMMENT ON COLUMN consciousness_states.snapshot_version IS
      'the version of memory_particles, quantum_fields, cells and dynamics; later entries are in the log only';
    COMMENT ON COLUMN field_updates.rules IS 'the version of the merge and dynamics rules by which it was folded';
    COMMENT ON COLUMN field_updates.salt IS 'random; hashed together with the content, and erased with it';
    COMMENT ON COLUMN field_updates.hash IS 'covers the hash of the version before, and so the whole log up to here';
    COMMENT ON COLUMN field_updates.swept_through IS
      'after this update, the tombstones of removals up to that version were purged';
    COMMENT ON COLUMN vector_clocks.pruned IS
      'the counters whose log entries have been pruned: they are never applied again';
    COMMENT ON TABLE unpublished_fields IS 'the fields with commits that have not been published to the cache';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE field_snapshots DROP COLUMN hash;
    ALTER TABLE field_updates DROP COLUMN hash, DROP COLUMN salt, DROP COLUMN rules;
    ALTER TABLE consciousness_states
      DROP COLUMN snapshot_hash, DROP COLUMN log_start_hash, DROP COLUMN hash, DROP COLUMN genesis;
  `);
}
