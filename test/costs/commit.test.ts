/**
 * Budgets for the cost of a commit: statements, round trips and bytes. A change that exceeds a budget has to justify
 * the cost, and then raises the budget.
 */
import t from 'tap';
import { connectDatabase } from '../../db/connect.ts';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { publishBatch } from '../../workers/commit/publish.ts';
import { openCommitter } from '../support/committer.ts';
import { captureStatements, countRedis, countWalBytes } from '../support/measure/count-costs.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { withPostgres } from '../support/servers/postgres.ts';
import { asDevice, asField, jobOf, putParticle, setCell } from '../support/updates.ts';
import { seededRandom } from '../unit/field/support/seeded-random.ts';

const fields = Array.from({ length: 20 }, (_, index) => asField(`field-${index}`));

/** One update of one device in each of the fields. */
function batchOf(counter: number, ids: readonly FieldId[] = fields): Map<FieldId, ApplyUpdates[]> {
  return new Map(ids.map((field) => [field, [jobOf(field, asDevice('phone'), [setCell(counter, 1, counter / 1000)])]]));
}

/** Snapshots are written at most once a second, so whether one occurs during a test depends on timing. */
const withoutSnapshots = (statements: string[]) =>
  statements.filter((sql) => !/^UPDATE consciousness_states/.test(sql));

t.test('a commit of twenty fields takes as many statements as a commit of one', async (t) => {
  const { db } = await withBacking(t);
  const committer = openCommitter(db);
  const commit =
    (counter: number, ids = fields) =>
    () =>
      committer.commit(batchOf(counter, ids));
  const cold = withoutSnapshots(await captureStatements(db, commit(1)));
  t.ok(cold.length <= 8, `not cached: ${cold.length} of 8\n${cold.join('\n')}`);
  const warm = withoutSnapshots(await captureStatements(db, commit(2)));
  t.ok(warm.length <= 1, `cached: ${warm.length} of 1 (compare and append)\n${warm.join('\n')}`);
  const alone = withoutSnapshots(await captureStatements(db, commit(3, fields.slice(0, 1))));
  t.equal(alone.length, warm.length, 'one field');
  const again = withoutSnapshots(await captureStatements(db, commit(3, fields.slice(0, 1))));
  t.ok(
    again.length <= 2,
    `sent again: ${again.length} of 2 (the log is read and nothing is written)\n${again.join('\n')}`,
  );
});

t.test('publishing takes one command per field, and its size depends on the change and not on the state', async (t) => {
  const { db, cache, cacheRedis, log } = await withBacking(t);
  const committer = openCommitter(db);
  const [field = asField('field')] = fields;
  const particles = Array.from({ length: 500 }, (_, index) => putParticle(index + 1, `star-${index}`));
  const send = (updates: typeof particles) =>
    committer.commit(new Map([[field, [jobOf(field, asDevice('phone'), updates)]]]));
  await publishBatch({ store: committer.store, cache, log }, (await send(particles)).values());
  const applied = await send([putParticle(501, 'star-7', { resonance: 0.25 })]);
  const { calls, bytesIn } = await countRedis(cacheRedis, () =>
    publishBatch({ store: committer.store, cache, log }, applied.values()),
  );
  t.equal((calls.get('evalsha') ?? 0) + (calls.get('eval') ?? 0), 1, 'one round trip');
  t.equal(calls.get('publish'), 1);
  t.ok(bytesIn <= 3000, `${bytesIn} of 3,000 bytes to Redis, with 500 particles in the field`);
});

t.test('an update writes a bounded number of bytes to the write-ahead log', async (t) => {
  const { url } = await withPostgres(t);
  const log = createLogger({ name: 'test', level: 'silent' });
  const db = connectDatabase({ url, poolSize: 2, applicationName: 'field-test', log });
  t.teardown(() => db.destroy());
  const committer = openCommitter(db);
  const field = asField('field');
  const commit = (first: number) => {
    const jobs = Array.from({ length: 100 }, (_, device) =>
      jobOf(field, asDevice(`phone-${device}`), [setCell(first, device % 30, device / 100)]),
    );
    return committer.commit(new Map([[field, jobs]]));
  };
  await commit(1);
  // After a checkpoint, the first change to a page logs the whole page. A commit before counting excludes that.
  await db.raw('CHECKPOINT');
  await commit(2);
  const bytes = (await countWalBytes(db, () => commit(3))) / 100;
  t.ok(bytes <= 1500, `${Math.round(bytes)} of 1,500 bytes per update, in commits of 100`);
});

t.test('particles of the largest size write a few times their bytes to the write-ahead log', async (t) => {
  const { url } = await withPostgres(t);
  const log = createLogger({ name: 'test', level: 'silent' });
  const db = connectDatabase({ url, poolSize: 2, applicationName: 'field-test', log });
  t.teardown(() => db.destroy());
  let now = 0;
  const committer = openCommitter(db, { readMonotonic: () => now });
  const field = asField('field');
  const random = seededRandom(1);
  // Text that does not compress.
  const content = () => Array.from({ length: 2000 }, () => String.fromCharCode(33 + random.below(90))).join('');
  let counter = 0;
  const put = async (count: number) => {
    const updates = Array.from({ length: count }, () =>
      putParticle(++counter, `p-${counter % 1000}`, { content: content() }),
    );
    const job = jobOf(field, asDevice('phone'), updates);
    await committer.commit(new Map([[field, [job]]]));
    now += 1000;
    return JSON.stringify(job).length;
  };
  for (let second = 0; second < 10; second++) await put(100);
  let received = 0;
  const written = await countWalBytes(db, async () => {
    for (let second = 0; second < 30; second++) received += await put(20);
  });
  const ratio = written / received;
  t.comment(
    `${Math.round(written / 1024)} kB of WAL for ${Math.round(received / 1024)} kB received: ${ratio.toFixed(1)} times`,
  );
  // A snapshot once a second would make it 50 times.
  t.ok(ratio <= 8, `${ratio.toFixed(1)} of 8 times`);
});
