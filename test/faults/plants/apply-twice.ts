/** Logs an update twice, as if (field, device, counter) were not unique. */
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Plant } from './plant.ts';

const field = 'hot' as FieldId;
const dropConstraint =
  'ALTER TABLE field_updates DROP CONSTRAINT IF EXISTS field_updates_field_id_device_id_counter_key';
const copyNewest = `
  INSERT INTO field_updates (field_id, version, device_id, counter, logged_at, outcome, resolution, update, rules, salt, hash)
  SELECT field_id, version + 1, device_id, counter, logged_at, outcome, resolution, update, rules, salt, hash
  FROM field_updates WHERE field_id = ? ORDER BY version DESC LIMIT 1`;
const incrementVersion = 'UPDATE consciousness_states SET version = version + 1 WHERE field_id = ?';

export const applyTwice: Plant = {
  expectedViolation: 'duplicated',
  async tamper({ observer: { db } }) {
    await db.raw(dropConstraint);
    await db.transaction(async (trx) => {
      await trx.raw('SELECT FROM consciousness_states WHERE field_id = ? FOR UPDATE', [field]);
      await trx.raw(copyNewest, [field]);
      await trx.raw(incrementVersion, [field]);
    });
  },
};
