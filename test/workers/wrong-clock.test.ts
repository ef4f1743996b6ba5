/** A worker whose wall clock is wrong: log times and retention follow PostgreSQL's clock. */
import t, { type Test } from 'tap';
import { verifyField } from '../../db/read/verify-field.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = asField('clocks');
const alice = asDevice('alice');
const dayMs = 86_400_000;

/** Starts a worker process whose wall clock is ahead of the machine's. */
async function withShiftedWorker(t: Test, backing: Backing, days: number): Promise<void> {
  const shift = `{
    const RealDate = Date;
    const now = () => RealDate.now() + ${days * dayMs};
    globalThis.Date = class extends RealDate {
      constructor(...args) { args.length > 0 ? super(...args) : super(now()); }
      static now() { return now(); }
    };
  }`;
  await withProcess(t, 'workers', backing, {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}`,
  });
}

const readServerTime = async ({ db }: Backing): Promise<number> =>
  (await db.raw('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now')).rows[0].now;

for (const days of [365, -365]) {
  t.test(
    `a worker whose clock is ${Math.abs(days)} days ${days > 0 ? 'ahead' : 'behind'} logs the time of PostgreSQL`,
    async (t) => {
      const backing = await withBacking(t);
      const before = await readServerTime(backing);
      await withShiftedWorker(t, backing, days);
      await backing.producer.enqueue(jobOf(field, alice, [setCell(1, 1, 0.1)]));
      await waitForVersion(backing, field, 1);
      await backing.producer.enqueue(jobOf(field, alice, [setCell(2, 1, 0.2)]));
      await waitForVersion(backing, field, 2);
      const after = await readServerTime(backing);
      const times: number[] = await backing.db('field_updates').orderBy('version').pluck('logged_at');
      for (const time of times) t.ok(time >= before && time <= after, `${before} <= ${time} <= ${after}`);
      t.same((await verifyField(backing.db, field)).differences, []);
    },
  );
}

t.test('a worker whose clock is 31 days ahead prunes only what is old by the clock of PostgreSQL', async (t) => {
  const backing = await withBacking(t, { LOG_RETENTION_DAYS: '30' });
  const worker = await withWorker(t, backing);
  const old = asField('old');
  for (const each of [field, old]) {
    await backing.producer.enqueue(jobOf(each, alice, [setCell(1, 1, 0.1), setCell(2, 2, 0.2)]));
    await waitForVersion(backing, each, 2);
  }
  await worker.stop();
  const past = { ms: 31 * dayMs, old };
  await backing.db.raw('UPDATE field_updates SET logged_at = logged_at - :ms WHERE field_id = :old', past);
  await backing.db.raw(
    `UPDATE consciousness_states SET last_update = last_update - :ms, snapshot_time = snapshot_time - :ms
     WHERE field_id = :old`,
    past,
  );
  await backing.db('maintenance_tasks').delete(); // All are due.
  await withShiftedWorker(t, backing, 31);
  await waitUntil('the old log has been pruned', async () => (await backing.reader.readLog(old, 0, 1))?.logStart === 2);
  const page = await backing.reader.readLog(field, 0, 10);
  t.match(page, { logStart: 0, updates: { length: 2 } }, 'the log that is seconds old is kept');
});
