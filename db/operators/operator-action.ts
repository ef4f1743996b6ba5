/** `operator_actions`: what operators have done. Rows can only be added. */
import type { Knex } from 'knex';
import type { QueryBuilder } from 'objection';
import { z } from 'zod';
import { Row } from '../models/row.ts';

const operatorActionSchema = z.strictObject({
  /** The operator's name, or the user of the operating system and the host, such as `ada@db-1`. */
  operator: z.string().min(1),
  /** A network address, or `command line`. */
  origin: z.string().min(1),
  /** For example `board.pause`, `revoke`, `login.failed`. */
  action: z.string().min(1),
  /** What the action was done to; null for the whole installation. */
  target: z.string().nullable().optional(),
  details: z.record(z.string(), z.unknown()).nullable().optional(),
});
export type OperatorAction = z.infer<typeof operatorActionSchema>;

export class OperatorActionRow extends Row {
  static override readonly tableName = 'operator_actions';
  static override readonly idColumn = 'id';
  static override readonly schema = operatorActionSchema;
  static override readonly jsonAttributes = ['details'];

  declare id: string;
  declare at: Date;
  declare operator: string;
  declare origin: string;
  declare action: string;
  declare target: string | null;
  declare details: Record<string, unknown> | null;
}

export async function recordOperatorActions(db: Knex, actions: readonly OperatorAction[]): Promise<void> {
  if (actions.length > 0) await OperatorActionRow.query(db).insert([...actions]);
}

/** What the API may read of an action. */
export class ShownOperatorActionRow extends Row {
  static override readonly tableName = 'shown_operator_actions';
  static override readonly idColumn = 'id';

  declare id: string;
  declare at: Date;
  declare operator: string;
  declare action: string;
  declare target: string | null;
}

export interface OperatorActionFilter {
  readonly operator?: string | undefined;
  /** The action, or its first part, such as `board`. */
  readonly action?: string | undefined;
  readonly target?: string | undefined;
  readonly since?: Date | undefined;
  /** Exclusive. */
  readonly until?: Date | undefined;
  readonly limit: number;
}

/** The newest first. */
export async function listOperatorActions(db: Knex, filter: OperatorActionFilter): Promise<OperatorActionRow[]> {
  return selectActions(OperatorActionRow.query(db), filter);
}

/** Like `listOperatorActions`, with only the columns that the API may read. */
export async function listShownOperatorActions(
  db: Knex,
  filter: OperatorActionFilter,
): Promise<ShownOperatorActionRow[]> {
  return selectActions(ShownOperatorActionRow.query(db), filter);
}

function selectActions<Builder extends QueryBuilder<Row>>(query: Builder, filter: OperatorActionFilter): Builder {
  const { operator, action, target, since, until, limit } = filter;
  query.orderBy('at', 'desc').orderBy('id').limit(limit);
  if (operator !== undefined) query.where({ operator });
  if (target !== undefined) query.where({ target });
  if (since) query.where('at', '>=', since);
  if (until) query.where('at', '<', until);
  if (action !== undefined) {
    query.where((either) => either.where({ action }).orWhereRaw('starts_with(action, ?)', [`${action}.`]));
  }
  return query;
}
