/** Locks the rows of fields, for maintenance. A commit locks its rows in its only statement (append-commits.ts). */
import type { Knex } from 'knex';
import type { FieldId } from '../../shared/field/ids.ts';
import type { StateRow } from '../models/state-row.ts';

export interface LockedField extends Pick<StateRow, 'version' | 'logStart' | 'sweptThrough'> {
  readonly field: FieldId;
}

const lockSql = `
  SELECT field_id AS field, version, log_start AS "logStart", swept_through AS "sweptThrough"
  FROM consciousness_states
  WHERE field_id = ANY(:fields)
  ORDER BY field_id
  FOR NO KEY UPDATE`;

/** Locks the rows until the transaction ends, always in the same order, so that no two transactions deadlock. */
export async function lockFields(trx: Knex.Transaction, fields: readonly FieldId[]): Promise<LockedField[]> {
  const { rows } = await trx.raw<{ rows: LockedField[] }>(lockSql, { fields: [...fields] });
  return rows;
}
