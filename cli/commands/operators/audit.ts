/** `audit`: lists the actions of operators. */
import { listOperatorActions, type OperatorActionRow } from '../../../db/operators/operator-action.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { readSettings } from '../../input/read-settings.ts';
import { renderTable, truncate } from '../../output/render-table.ts';
import { pluralize } from '../../text/format-numbers.ts';

const maxDetailsWidth = 80;

export interface AuditOptions {
  readonly operator?: string;
  readonly action?: string;
  readonly target?: string;
  /** In seconds. */
  readonly since?: number;
  readonly limit: number;
  readonly json?: boolean;
}

export async function printAudit(options: AuditOptions, context: CommandContext): Promise<void> {
  const { since: seconds, json, ...filter } = options;
  const { DATABASE_URL } = readSettings(['DATABASE_URL'], context);
  const since = seconds === undefined ? undefined : new Date(Date.now() - seconds * 1000);
  const actions = await withDatabase(DATABASE_URL, (db) =>
    listOperatorActions(db, { ...filter, ...(since ? { since } : {}) }),
  );
  if (json) return context.print(JSON.stringify({ actions: actions.map(describe) }));
  if (actions.length === 0) return context.print('Nothing is recorded');
  const head = ['time', 'operator', 'from', 'action', 'target', 'details'];
  context.print(renderTable([head, ...actions.map(toRow)]));
  context.print(pluralize(actions.length, 'action'));
}

function describe({ at, operator, origin, action, target, details }: OperatorActionRow) {
  return { at: at.toISOString(), operator, origin, action, target, details };
}

function toRow({ at, operator, origin, action, target, details }: OperatorActionRow): string[] {
  const text = details === null ? '' : truncate(JSON.stringify(details), maxDetailsWidth);
  return [at.toISOString(), operator, origin, action, target ?? '', text];
}
