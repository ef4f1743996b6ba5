/**
 * The update log, its snapshots, and the tables derived from it. Every key starts with `field_id`, so that they can be
 * distributed or partitioned by it. There are no foreign keys, because rows are only written while the row of the
 * field is locked.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE installation (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      created_at timestamptz NOT NULL DEFAULT now()
    );
    INSERT INTO installation DEFAULT VALUES;

    CREATE TABLE consciousness_states (
      field_id text COLLATE "C" PRIMARY KEY,
      version bigint NOT NULL DEFAULT 0,
      last_update bigint NOT NULL DEFAULT 0,
      global_resonance double precision NOT NULL,
      collective_intelligence double precision NOT NULL,
      room64_active boolean NOT NULL,
      conflict_count bigint NOT NULL DEFAULT 0,
      log_start bigint NOT NULL DEFAULT 0,
      swept_through bigint NOT NULL DEFAULT 0,
      snapshot_version bigint NOT NULL DEFAULT 0,
      snapshot_time bigint NOT NULL DEFAULT 0,
      memory_particles jsonb NOT NULL,
      quantum_fields jsonb NOT NULL,
      cells jsonb NOT NULL,
      dynamics jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      CHECK (field_id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
      CHECK (snapshot_version <= version AND log_start <= version)
    ) WITH (fillfactor = 50);
    COMMENT ON COLUMN consciousness_states.snapshot_version IS
      'what memory_particles, quantum_fields, cells and dynamics stand at; the log has the rest';
    COMMENT ON COLUMN consciousness_states.log_start IS 'the log up to and including this version has been pruned';

    CREATE TABLE field_updates (
      field_id text COLLATE "C" NOT NULL,
      version bigint NOT NULL,
      device_id text COLLATE "C" NOT NULL,
      counter bigint NOT NULL,
      logged_at bigint NOT NULL,
      outcome text NOT NULL,
      resolution text,
      update jsonb NOT NULL,
      user_id text,
      swept_through bigint,
      PRIMARY KEY (field_id, version),
      UNIQUE (field_id, device_id, counter),
      CHECK (outcome IN ('applied', 'superseded', 'conflict')),
      CHECK (resolution IN ('kept_local', 'used_remote', 'merged'))
    );
    COMMENT ON COLUMN field_updates.swept_through IS
      'after this update, what particles removed up to that version had left behind was forgotten';

    CREATE TABLE field_snapshots (
      field_id text COLLATE "C" NOT NULL,
      version bigint NOT NULL,
      time bigint NOT NULL,
      memory_particles jsonb NOT NULL,
      quantum_fields jsonb NOT NULL,
      cells jsonb NOT NULL,
      dynamics jsonb NOT NULL,
      PRIMARY KEY (field_id, version)
    );

    CREATE TABLE vector_clocks (
      field_id text COLLATE "C" NOT NULL,
      device_id text COLLATE "C" NOT NULL,
      counter bigint NOT NULL,
      heard_at bigint NOT NULL,
      pruned int8multirange NOT NULL DEFAULT '{}',
      PRIMARY KEY (field_id, device_id)
    ) WITH (fillfactor = 70);
    COMMENT ON COLUMN vector_clocks.pruned IS 'the counters whose log rows are gone: still never applied twice';

    CREATE TABLE field_conflicts (
      field_id text COLLATE "C" NOT NULL,
      version bigint NOT NULL,
      cell text COLLATE "C" NOT NULL,
      local jsonb NOT NULL,
      remote jsonb NOT NULL,
      resolution text NOT NULL,
      time bigint NOT NULL,
      PRIMARY KEY (field_id, version, cell),
      CHECK (resolution IN ('kept_local', 'used_remote', 'merged'))
    );

    CREATE TABLE unpublished_fields (
      field_id text COLLATE "C" PRIMARY KEY,
      version bigint NOT NULL
    );
    COMMENT ON TABLE unpublished_fields IS 'the last commits that the cache could not be told of';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE unpublished_fields, field_conflicts, vector_clocks, field_snapshots, field_updates,
      consciousness_states, installation;
  `);
}
