import t from 'tap';
import { getPartition, getPartitionName } from '../../../shared/queue/partitions.ts';
import { asField } from '../../support/updates.ts';

t.test('fields are distributed evenly over the partitions, and a field always has the same partition', async (t) => {
  const fields = Array.from({ length: 1000 }, (_, index) => asField(`field-${index}`));
  for (const count of [1, 2, 3, 4, 16]) {
    const sizes = new Array<number>(count).fill(0);
    for (const field of fields) {
      const partition = getPartition(field, count);
      sizes[partition] = (sizes[partition] ?? 0) + 1;
    }
    const fair = fields.length / count;
    t.ok(Math.min(...sizes) > 0.6 * fair && Math.max(...sizes) < 1.4 * fair, `over ${count}: ${sizes}`);
  }
  // Other versions of the API write to the same queues, so a changed hash would reorder the updates of a field.
  t.equal(getPartition(asField('garden'), 16), 4);
});

t.test('each partition has its own queue and key prefix, and the first has no number in its name', async (t) => {
  t.same(getPartitionName('field', 0), { queue: 'updates', prefix: '{field}' });
  t.same(getPartitionName('field', 3), { queue: 'updates-3', prefix: '{field-3}' });
});
