/** Updates the snapshots of idle fields, so that reading one requires no fold. */

import { loadStoredState } from '../../db/read/load-state.ts';
import { readServerTime } from '../../db/read/server-time.ts';
import { lockFields } from '../../db/write/lock-fields.ts';
import { findOldSnapshots, writeSnapshots } from '../../db/write/write-snapshots.ts';
import type { MaintenanceDeps } from '../worker-context.ts';
import { eachField } from './each-field.ts';

const quietMs = 3000;
const maxFieldsPerRun = 500;

export async function flushSnapshots({ db, log }: MaintenanceDeps): Promise<number> {
  const before = (await readServerTime(db)) - quietMs;
  const fields = await findOldSnapshots(db, { before, limit: maxFieldsPerRun });
  await eachField(fields, log, (field) =>
    db.transaction(async (trx) => {
      await lockFields(trx, [field]);
      const state = await loadStoredState(trx, field);
      if (state) await writeSnapshots(trx, [state]);
    }),
  );
  return fields.length;
}
