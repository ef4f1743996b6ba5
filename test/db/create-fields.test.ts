import t from 'tap';
import { createFields } from '../../db/write/create-fields.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { asField } from '../support/updates.ts';

t.test('fields are created although another worker has created one of them meanwhile', async (t) => {
  const { db } = await withBacking(t);
  const [old, fresh] = [asField('b-old'), asField('a-fresh')];
  await createFields(db, [old]);
  const readGenesis = async (field: string) =>
    (await db('consciousness_states').where({ field_id: field }).first('genesis'))?.genesis;
  const genesis = await readGenesis(old);
  await createFields(db, [old, fresh]);
  t.same(await readGenesis(old), genesis, 'the first one is unchanged');
  t.ok(await readGenesis(fresh));
});
