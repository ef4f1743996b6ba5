/**
 * What operators did, as the API may show it to operators: without addresses and details, which can name what was erased since. A view, since
 * the API's role may not read the table.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE VIEW shown_operator_actions AS SELECT id, at, operator, action, target FROM operator_actions;
    COMMENT ON VIEW shown_operator_actions IS 'operator_actions without addresses and details, for the pages of operators';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP VIEW shown_operator_actions');
}
