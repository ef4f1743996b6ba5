/** When each maintenance task is due, by PostgreSQL's clock: workers claim the tasks here. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE maintenance_tasks (
      name text COLLATE "C" PRIMARY KEY,
      due_at timestamptz NOT NULL
    );
    COMMENT ON TABLE maintenance_tasks IS
      'when a worker may run a task again; while one runs it, when it counts as dead';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE maintenance_tasks');
}
