/** Brings the snapshots of fields that fell quiet up to date, so that they are read without a tail to fold. */

import { loadStoredState } from '../../db/read/load-state.ts';
import { StateRow } from '../../db/rows.ts';
import { lockFields, writeSnapshots } from '../../db/write/field-writer.ts';
import type { MaintenanceDeps } from '../worker-context.ts';

const quietMs = 3000;
const maxFieldsPerRun = 500;

export async function flushSnapshots({ db }: MaintenanceDeps): Promise<number> {
  const rows = await StateRow.query(db)
    .select('field_id')
    .whereColumn('snapshot_version', '<', 'version')
    .where('last_update', '<', Date.now() - quietMs)
    .limit(maxFieldsPerRun);
  for (const { fieldId } of rows) {
    await db.transaction(async (trx) => {
      await lockFields(trx, [fieldId]);
      const state = await loadStoredState(trx, fieldId);
      if (state) await writeSnapshots(trx, [state]);
    });
  }
  return rows.length;
}
