/**
 * What the API and the workers may do in the database. `field_api` and `field_worker` are roles without a login: each process
 * connects as a role of its own that is a member of one of them. The owner of the tables migrates, restores and runs commands.
 */
import pg from 'pg';
import { updatesQueue } from '../../shared/contract/job.ts';
import { connectionTarget } from '../../shared/postgres/connection-target.ts';
import { fallbackSchema } from '../../shared/queue/fallback-queue.ts';

const roles = ['field_api', 'field_worker'] as const;

/** Concurrent commands may create them at once, since roles belong to the whole server. */
const createRolesSql = roles.map(
  (role) => `
  DO $$ BEGIN
    CREATE ROLE ${role} NOLOGIN;
  EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
  END $$;`,
);

/**
 * Every table is readable, except that the API can only insert into `operator_actions` and reads a view of it. Nobody may write
 * through that view, since it has the rights of its owner. New tables are granted by each migration.
 */
const grantsSql = `
  -- BullMQ creates the sequence of a queue's job ids with its first job, which the roles may not.
  DO $$ BEGIN
    EXECUTE format('CREATE SEQUENCE IF NOT EXISTS ${fallbackSchema}.%I', ${fallbackSchema}.job_id_seq_name('${updatesQueue}'));
  END $$;
  REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  GRANT USAGE ON SCHEMA public, ${fallbackSchema} TO field_api, field_worker;
  REVOKE ALL ON ALL TABLES IN SCHEMA public FROM field_api, field_worker;

  GRANT SELECT ON ALL TABLES IN SCHEMA public TO field_api;
  REVOKE SELECT ON operator_actions FROM field_api;
  GRANT INSERT, SELECT (id) ON operator_actions TO field_api;
  -- Operators pause, resume and cancel runs on their page.
  GRANT UPDATE (status) ON enqueue_runs TO field_api;

  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO field_worker;
  REVOKE INSERT, UPDATE, DELETE ON knex_migrations, knex_migrations_lock, installation, revocations, operator_actions,
    shown_operator_actions FROM field_worker;
  REVOKE UPDATE, DELETE ON rule_settings FROM field_worker;

  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${fallbackSchema} TO field_api, field_worker;
  GRANT USAGE ON ALL SEQUENCES IN SCHEMA public, ${fallbackSchema} TO field_api, field_worker;`;

/** Creates the roles if they are missing, and grants them what the tables of this version need. */
export async function grantRoles(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    for (const sql of createRolesSql) await client.query(sql);
    await client.query(grantsSql);
  });
}

/** Call after a migration: grants the new tables to the roles, if this server has them. */
export async function grantExistingRoles(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    const { rows } = await client.query('SELECT FROM pg_roles WHERE rolname = ANY ($1)', [roles]);
    const { rows: tables } = await client.query(
      "SELECT FROM pg_class WHERE oid = to_regclass('public.shown_operator_actions')",
    );
    if (rows.length === roles.length && tables.length > 0) await client.query(grantsSql);
  });
}

async function withClient(databaseUrl: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(connectionTarget(databaseUrl));
  // Without a listener the event would end the process. The pending query is rejected with the same error.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
