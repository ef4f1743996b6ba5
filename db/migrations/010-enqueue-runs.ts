/** The runs of `enqueue`: operators see them here, and pause, resume or cancel them. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE enqueue_runs (
      id uuid PRIMARY KEY,
      name text NOT NULL,
      field_id text COLLATE "C" NOT NULL,
      operator text NOT NULL,
      status text COLLATE "C" NOT NULL
        CHECK (status IN ('running', 'paused', 'cancelled', 'finished', 'stopped')),
      started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      reported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      counts jsonb NOT NULL DEFAULT '{}'
    );
    CREATE INDEX enqueue_runs_started_at ON enqueue_runs (started_at);
    COMMENT ON TABLE enqueue_runs IS 'the runs of enqueue; a running one reports every second';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE enqueue_runs');
}
