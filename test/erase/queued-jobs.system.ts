import t from 'tap';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { openFallbackQueue } from '../support/servers/fallback-queue.ts';
import { putParticle, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { garden, jobBy, marker, openWriter, searchEverywhere, withErasureTools, yan, zoe } from './support.ts';

t.test('jobs of the erased are taken out of all queues, and the jobs of others stay', async (t) => {
  const { backing, run } = await withErasureTools(t);
  const { db, producer, config, log } = backing;
  const fallback = openFallbackQueue(directDatabaseUrl(config), log);
  t.teardown(() => fallback.close());
  const queueRedis = connectRedis(config.QUEUE_REDIS_URL, 'test', log);
  t.teardown(() => queueRedis.disconnect());

  // Dead letters: the database refuses them.
  await db.raw(`ALTER TABLE field_updates ADD CONSTRAINT no_zoe CHECK (device_id <> '${zoe.tablet}')`);
  const refused = jobBy(zoe, garden, zoe.tablet, [putParticle(1, marker, { content: marker })]);
  await producer.enqueueAll([jobBy(yan, garden, yan.phone, [setCell(1, 1, 0.1)]), refused]);
  await fallback.add([{ ...refused, updates: [setCell(2, 1, 0.2)] }]);
  const worker = await withWorker(t, backing);
  await waitForVersion(backing, garden, 1);
  await waitUntil('both dead letters are there', async () => {
    const { stdout } = await run(['dead-letters', 'list', '--json']);
    return JSON.parse(stdout).total === 2;
  });
  await worker.stop();
  await db.raw('ALTER TABLE field_updates DROP CONSTRAINT no_zoe');

  // Waiting: alone, together with others in one job, delayed, and in the fallback queue.
  const puts = (counter: number) => [putParticle(counter, marker, { content: marker })];
  await producer.enqueue(jobBy(zoe, garden, zoe.phone, puts(1)));
  await producer.enqueueAll([
    jobBy(yan, garden, yan.phone, [{ ...setCell(2, 2, 0.2), clock: { [zoe.phone]: 1 } }]),
    jobBy(zoe, garden, zoe.phone, puts(2)),
  ]);
  const delayed = { ...jobBy(zoe, garden, zoe.phone, puts(3)) };
  await producer.queues.first.add('apply-updates', delayed, { delay: 3_600_000 });
  await fallback.add([jobBy(zoe, garden, zoe.phone, puts(4)), jobBy(yan, garden, yan.phone, [setCell(3, 3, 0.3)])]);

  const erased = await run(['erase', '--user', zoe.user, '--yes', '--json']);
  t.equal(erased.code, 0, erased.stderr);
  t.equal(JSON.parse(erased.stdout).jobs, 7, 'six of theirs, and one that named their phone');
  t.same(await searchEverywhere(backing, queueRedis), []);
  await withWorker(t, backing);
  await waitUntil('the jobs of others are applied', async () => {
    const rows = await db('vector_clocks').where('device_id', yan.phone);
    return rows[0]?.counter === 3;
  });
  t.same(await searchEverywhere(backing, queueRedis), []);
  const results = await openWriter(backing)(jobBy(zoe, garden, zoe.phone, puts(4)));
  t.match(results, [{ outcome: 'expired' }], 'what was accepted and never applied is not applied later');
});
