import t from 'tap';
import { getPartition, getPartitionName, maxPartitions } from '../../../shared/queue/partitions.ts';
import { assignPartitions } from '../../../workers/consume/partition-consumers.ts';
import { asField } from '../../support/updates.ts';

t.test('fields are spread over the queues evenly, and always in the same way', async (t) => {
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
  // Other versions of the API write to the same queues: a change of the hash is a change of the order of updates.
  t.equal(getPartition(asField('garden'), 16), 4);
});

t.test('the queues have keys of their own, and the first the name that it always had', async (t) => {
  t.same(getPartitionName('field', 0), { queue: 'updates', prefix: '{field}' });
  t.same(getPartitionName('field', 3), { queue: 'updates-3', prefix: '{field-3}' });
});

t.test('every queue that may hold jobs has one reader, whichever workers there are', async (t) => {
  for (const workers of [1, 2, 3, 5, maxPartitions, maxPartitions + 3]) {
    for (const partitions of [1, 2, 4, maxPartitions]) {
      const names = Array.from({ length: workers }, (_, index) => `worker-${index}`);
      const shares = names.flatMap((name) => assignPartitions({ workers: names, partitions }, name));
      t.same(
        shares.sort((a, b) => a - b),
        Array.from({ length: partitions }, (_, index) => index),
        `${workers} workers, ${partitions} queues`,
      );
    }
  }
});
