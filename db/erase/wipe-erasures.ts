/**
 * Deletes the content of earlier erasures whose states contain data that a later one erases. The later one replaces them: the
 * states that they made unreadable stay unreadable.
 */
import type { Knex } from 'knex';
import type { FieldId } from '../../shared/field/ids.ts';
import { hashContent } from '../../shared/history/entry-hash.ts';
import { UpdateRow } from '../models/update-row.ts';

/**
 * @param oldest the first version whose state contains the data that is erased now
 * @returns the first version whose state can no longer be read
 */
export async function wipeErasures(trx: Knex.Transaction, field: FieldId, oldest: number): Promise<number> {
  const rows = await UpdateRow.query(trx)
    .where('field_id', field)
    .whereNull('device_id')
    .whereNotNull('update')
    .orderBy('version', 'desc');
  let from = oldest;
  for (const row of rows) {
    const entry = row.toStoredEntry();
    if (!('erasure' in entry) || entry.version < from) continue;
    from = Math.min(from, entry.erasure.from);
    await row.$query(trx).patch({ contentHash: hashContent(entry), update: null, salt: null });
  }
  return from;
}
