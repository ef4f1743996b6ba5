/** The list of migrations. Names have no file extension, so that source and compiled code record the same ones. */
import type { Knex } from 'knex';
import * as fields from './001-fields.ts';
import * as revocations from './002-revocations.ts';
import * as backups from './003-backups.ts';
import * as bullmq from './004-bullmq-11.ts';
import * as chainedHistory from './005-chained-history.ts';
import * as ruleSettings from './006-rule-settings.ts';
import * as operatorActions from './007-operator-actions.ts';
import * as erasure from './008-erasure.ts';
import * as maintenanceTasks from './009-maintenance-tasks.ts';
import * as enqueueRuns from './010-enqueue-runs.ts';
import * as changesAndWebhooks from './011-changes-and-webhooks.ts';
import * as shownOperatorActions from './012-shown-operator-actions.ts';

interface NamedMigration extends Knex.Migration {
  readonly name: string;
}

const migrations: readonly NamedMigration[] = [
  { name: '001-fields', up: fields.up, down: fields.down },
  { name: '002-revocations', up: revocations.up, down: revocations.down },
  { name: '003-backups', up: backups.up, down: backups.down },
  { name: '004-bullmq-11', up: bullmq.up, down: bullmq.down },
  { name: '005-chained-history', up: chainedHistory.up, down: chainedHistory.down },
  { name: '006-rule-settings', up: ruleSettings.up, down: ruleSettings.down },
  { name: '007-operator-actions', up: operatorActions.up, down: operatorActions.down },
  { name: '008-erasure', up: erasure.up, down: erasure.down },
  { name: '009-maintenance-tasks', up: maintenanceTasks.up, down: maintenanceTasks.down },
  { name: '010-enqueue-runs', up: enqueueRuns.up, down: enqueueRuns.down },
  { name: '011-changes-and-webhooks', up: changesAndWebhooks.up, down: changesAndWebhooks.down },
  { name: '012-shown-operator-actions', up: shownOperatorActions.up, down: shownOperatorActions.down },
];

/** @returns the names of all migrations, in the order in which they are applied */
export function listMigrations(): string[] {
  return migrations.map(({ name }) => name);
}

export const migrationSource: Knex.MigrationSource<NamedMigration> = {
  getMigrations: async () => [...migrations],
  getMigrationName: ({ name }) => name,
  getMigration: async (migration) => migration,
};
