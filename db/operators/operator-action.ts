/** `operator_actions`: what operators have done. Rows can only be added. */
import type { Knex } from 'knex';
import { z } from 'zod';
import { Row } from '../models/row.ts';

const operatorActionSchema = z.strictObject({
  /** The operator's name, or the user of the operating system and the host, such as `ada@db-1`. */
  operator: z.string().min(1),
  /** A network address, or `command line`. */
  origin: z.string().min(1),
  /** For example `board.pause`, `revoke`, `login.failed`. */
  action: z.string().min(1),
  /** What it was done to; null if that is the whole installation. */
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

export interface OperatorActionFilter {
  readonly operator?: string;
  /** The action, or what it begins with, such as `board`. */
  readonly action?: string;
  readonly target?: string;
  readonly since?: Date;
  readonly limit: number;
}

/** The newest first. */
export async function listOperatorActions(db: Knex, filter: OperatorActionFilter): Promise<OperatorActionRow[]> {
  const { operator, action, target, since, limit } = filter;
  const query = OperatorActionRow.query(db).orderBy('at', 'desc').orderBy('id').limit(limit);
  if (operator !== undefined) query.where({ operator });
  if (target !== undefined) query.where({ target });
  if (since) query.where('at', '>=', since);
  if (action !== undefined) {
    query.where((either) => either.where({ action }).orWhereRaw('starts_with(action, ?)', [`${action}.`]));
  }
  return query;
}
