/** The search for the jobs of an erased device, in a queue whose jobs move meanwhile. */
import t from 'tap';
import { type PurgeableQueue, purgeJobs } from '../../../shared/queue/purge-jobs.ts';
import { asDevice, asField, jobOf, setCell } from '../../support/updates.ts';

const zoe = asDevice('zoe');
const filter = { isErased: ({ device }: { device: string }) => device === zoe, devices: new Set([zoe]) };

/** A queue with one job, which is moved to another state when the jobs of a given state are listed. */
function queueWithJob(initial: string, moves: Readonly<Record<string, string>>): PurgeableQueue {
  let current = initial;
  const data = jobOf(asField('garden'), zoe, [setCell(1, 1, 0.5)]);
  return {
    async getJobs([listed = 'waiting']) {
      if (current !== 'removed') current = moves[listed] ?? current;
      const remove = async () => {
        current = 'removed';
      };
      return listed === current ? [{ data, remove, updateData: async () => {} }] : [];
    },
    trimEvents: async () => 0,
  };
}

t.test('a waiting job is removed', async (t) => {
  t.match(await purgeJobs(queueWithJob('waiting', {}), filter), { jobs: 1, active: 0, updates: [{ counter: 1 }] });
});

t.test('a delayed job that becomes due meanwhile is removed', async (t) => {
  t.match(await purgeJobs(queueWithJob('delayed', { delayed: 'waiting' }), filter), { jobs: 1, active: 0 });
});

t.test('a job that its worker gives back meanwhile counts as active', async (t) => {
  t.match(await purgeJobs(queueWithJob('active', { failed: 'waiting' }), filter), { jobs: 0, active: 1 });
});
