/** What operators have done, append-only: a trigger refuses to change or delete rows, whoever tries. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE operator_actions (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      at timestamptz NOT NULL DEFAULT clock_timestamp(),
      operator text NOT NULL,
      origin text NOT NULL,
      action text NOT NULL,
      target text,
      details jsonb
    );
    CREATE INDEX operator_actions_at ON operator_actions (at);
    COMMENT ON TABLE operator_actions IS 'append-only: who did what, from where, on what and when';
    COMMENT ON COLUMN operator_actions.origin IS 'an address of the network, or the command line';

    CREATE FUNCTION refuse_change_of_operator_actions() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'operator_actions is append-only' USING ERRCODE = 'insufficient_privilege';
    END $$;
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON operator_actions
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_operator_actions();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE operator_actions; DROP FUNCTION refuse_change_of_operator_actions()');
}
