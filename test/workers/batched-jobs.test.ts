import t from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { listRequests } from '../../shared/contract/job.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('garden');
const devices = Array.from({ length: 40 }, (_, index) => asDevice(index === 20 ? 'mallory' : `device-${index}`));

t.test('concurrent requests are combined into few jobs, and each is applied', async (t) => {
  const backing = await withBacking(t);
  const jobs = devices.map((device) => jobOf(field, device, [setCell(1, 1, 0.5), setCell(2, 2, 0.5)]));
  await Promise.all(jobs.map((job) => backing.producer.enqueue(job)));
  const waiting = await backing.producer.queues.first.getWaiting();
  t.ok(waiting.length <= 3, `${waiting.length} jobs`);
  t.same(new Set(waiting.flatMap(({ data }) => listRequests(data)).map(({ device }) => device)), new Set(devices));
  t.ok((await backing.producer.countBacklog()) > waiting.length, 'the backlog counts requests');
  await withWorker(t, backing);
  await waitForVersion(backing, field, 80);
  await waitUntil('no job is active', async () => (await backing.producer.queues.first.getActiveCount()) === 0);
  t.equal(await backing.producer.queues.first.getFailedCount(), 0);
  t.same((await verifyField(backing.db, field)).differences, []);
});

t.test('a request that can never be applied fails alone, and the others in its job are applied', async (t) => {
  const backing = await withBacking(t);
  // The constraint simulates an update that passes validation and that only the database rejects.
  await backing.db.raw(`ALTER TABLE field_updates ADD CHECK (device_id <> 'mallory')`);
  const outside = jobOf(field, asDevice('outside'), [setCell(1, 99, 0.1)]);
  const jobs = [...devices.map((device) => jobOf(field, device, [setCell(1, 1, 0.5)])), outside];
  await Promise.all(jobs.map((job) => backing.producer.enqueue(job)));
  await withWorker(t, backing);
  await waitForVersion(backing, field, 39);
  const { first: queue } = backing.producer.queues;
  await waitUntil('two jobs have failed', async () => (await queue.getFailedCount()) === 2);
  await waitUntil('no other job is pending', async () => (await queue.getJobCountByTypes('waiting', 'active')) === 0);
  const failed = (await queue.getFailed()).map(({ data, failedReason }) => ({ data, failedReason }));
  const reasonOf = (device: string) =>
    failed.find(({ data }) => 'device' in data && data.device === device)?.failedReason ?? 'no failed job of its own';
  t.match(reasonOf('outside'), /^invalid_input: \/updates\/0\//);
  t.match(reasonOf('mallory'), /^database_error 23514: /);
  t.same((await verifyField(backing.db, field)).differences, []);
});
