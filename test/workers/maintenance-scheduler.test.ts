/** Which worker runs the maintenance tasks, and when: decided in PostgreSQL, whatever happens to the queue. */
import t from 'tap';
import { connectDatabase } from '../../db/connect.ts';
import { claimMaintenanceTask, finishMaintenanceTask } from '../../db/write/claim-maintenance-task.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { openCommitter } from '../support/committer.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { withDatabase, withOneRedis, withRedis } from '../support/servers/servers.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const silent = createLogger({ name: 'test', level: 'silent' });

t.test('a task is run by one worker at a time, and not before it is due again', async (t) => {
  const { url } = await withDatabase(t);
  const db = connectDatabase({ url, poolSize: 8, applicationName: 'field-test', log: silent });
  t.teardown(() => db.destroy());
  const claim = () => claimMaintenanceTask(db, 'prune-logs');
  const setDue = (interval: string) =>
    db.raw(`UPDATE maintenance_tasks SET due_at = clock_timestamp() + interval '${interval}'`);

  const claims = await Promise.all(Array.from({ length: 8 }, claim));
  t.equal(claims.filter(Boolean).length, 1, 'of eight workers that claim it at once, one runs it');
  t.notOk(await claim(), 'nobody else while it runs');
  await finishMaintenanceTask(db, 'prune-logs', 600_000);
  t.notOk(await claim(), 'nor before it is due again');
  await finishMaintenanceTask(db, 'prune-logs', 0);
  t.ok(await claim());
  await setDue('-1 second');
  t.ok(await claim(), 'a worker that has not finished in time counts as dead');
  await setDue('1 year');
  t.ok(await claim(), 'a clock that was wrong and went back does not stop maintenance');
});

t.test(
  'a worker deletes what is older than the retention while the queue is down, and stops at once',
  withOneRedis,
  async (t) => {
    const queue = await withRedis(t);
    const backing = await withBacking(t, { QUEUE_REDIS_URL: queue.queueUrl, LOG_RETENTION_DAYS: '1' });
    const { db } = backing;
    const field = asField('garden');
    const job = jobOf(field, asDevice('alice'), [setCell(1, 1, 0.1), setCell(2, 1, 0.2)]);
    await openCommitter(db).commit(new Map([[field, [job]]]));
    const longAgoMs = 2 * 86_400_000;
    await db('field_updates').update({ logged_at: db.raw('logged_at - ?', [longAgoMs]) });
    await db.raw('UPDATE consciousness_states SET last_update = last_update - ?', [longAgoMs]);
    await queue.stop();

    const errors: string[] = [];
    const log = createLogger({ name: 'test', level: 'error' }, { write: (line) => void errors.push(line) });
    const worker = await withWorker(t, { ...backing, log });
    await waitUntil('the log is pruned', async () => (await db('field_updates').select('version')).length === 0);
    await worker.stop();
    t.same(
      errors.filter((line) => line.includes('shutdown step failed')),
      [],
    );
  },
);
