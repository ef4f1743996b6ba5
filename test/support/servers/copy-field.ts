/** Puts a field back to an earlier state in PostgreSQL, as a restore does, or a failover that loses the last commits. */
import type { Knex } from 'knex';
import { inReadTransaction } from '../../../db/read-transaction.ts';
import type { FieldId } from '../../../shared/field/ids.ts';

const tables = ['consciousness_states', 'field_updates', 'field_conflicts', 'field_snapshots', 'vector_clocks'];

/** Copies all rows of a field. @returns a function that replaces the field's rows with the copies */
export async function copyField(db: Knex, field: FieldId): Promise<() => Promise<void>> {
  const copies = new Map<string, unknown[]>();
  await inReadTransaction(db, async (trx) => {
    for (const table of tables) {
      const { rows } = await trx.raw<{ rows: { row: unknown }[] }>(
        'SELECT to_jsonb(kept) AS row FROM ?? kept WHERE field_id = ?',
        [table, field],
      );
      copies.set(
        table,
        rows.map(({ row }) => row),
      );
    }
  });
  return () =>
    db.transaction(async (trx) => {
      for (const [table, rows] of copies) {
        await trx(table).where('field_id', field).delete();
        await trx.raw('INSERT INTO ?? SELECT * FROM jsonb_populate_recordset(null::??, ?::jsonb)', [
          table,
          table,
          JSON.stringify(rows),
        ]);
      }
    });
}
