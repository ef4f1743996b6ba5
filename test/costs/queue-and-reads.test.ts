/** Budgets for the cost of an update in the queue, and of a read in the cache and the database. */
import t from 'tap';
import { LatestVersions } from '../../api/state/latest-versions.ts';
import { createStateLoader } from '../../api/state/loading/state-loader.ts';
import { StateReader } from '../../api/state/state-reader.ts';
import { openCommitter } from '../support/committer.ts';
import { captureStatements, countRedis } from '../support/measure/count-costs.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, putParticle, setCell } from '../support/updates.ts';

const field = asField('garden');

t.test('a single request takes one round trip to the queue, and concurrent requests share a few', async (t) => {
  // The queue and the cache share one Redis here, so its counters include the queue's commands.
  const { producer, cacheRedis: redis } = await withBacking(t);
  const job = (index: number) => jobOf(field, asDevice(`phone-${index}`), [setCell(1, 1, 0.5)]);
  // Loads the script into Redis.
  await producer.enqueue(job(0));
  const alone = await countRedis(redis, async () => {
    for (let index = 1; index <= 20; index++) await producer.enqueue(job(index));
  });
  t.equal(alone.calls.get('evalsha'), 20, 'one round trip each');
  t.ok(alone.bytesIn <= 20 * 1500, `${alone.bytesIn / 20} of 1,500 bytes each`);
  const burst = await countRedis(redis, () =>
    Promise.all(Array.from({ length: 300 }, (_, index) => producer.enqueue(job(index)))),
  );
  t.ok((burst.calls.get('evalsha') ?? 0) <= 5, `300 at once: ${burst.calls.get('evalsha')} of 5 round trips`);
  t.ok(burst.bytesIn <= 300 * 300, `${Math.round(burst.bytesIn / 300)} of 300 bytes each`);
});

t.test(
  'a read of a cached state reads only its cursor from Redis, and compares it with PostgreSQL now and then',
  async (t) => {
    const { db, cache, cacheRedis, reader, log } = await withBacking(t);
    const updates = Array.from({ length: 200 }, (_, index) => putParticle(index + 1, `star-${index}`));
    await openCommitter(db).commit(new Map([[field, [jobOf(field, asDevice('phone'), updates)]]]));
    const read = async (states: StateReader, how: string) => {
      let statements: string[] = [];
      const { calls } = await countRedis(cacheRedis, async () => {
        statements = await captureStatements(db, async () => t.equal((await states.read(field)).cache, how));
      });
      const roundTrips = (calls.get('evalsha') ?? 0) + (calls.get('eval') ?? 0);
      return { statements, roundTrips, hvals: calls.get('hvals') ?? 0 };
    };
    const first = new StateReader({ cache, reader, loader: createStateLoader(reader), log });
    const cold = await read(first, 'miss');
    // BEGIN, the field's row, its log and COMMIT: one transaction makes the read consistent.
    t.ok(
      cold.statements.length <= 4,
      `not cached: ${cold.statements.length} of 4 statements\n${cold.statements.join('\n')}`,
    );
    t.same(
      await read(first, 'hit'),
      { statements: [], roundTrips: 1, hvals: 0 },
      'cached in this process: only the cursor is read',
    );
    const second = new StateReader({ cache, reader, loader: createStateLoader(reader), log });
    const { statements, ...fromRedis } = await read(second, 'hit');
    t.same(fromRedis, { roundTrips: 1, hvals: 1 }, 'cached in Redis only: the state is read');
    t.equal(statements.length, 1, 'and its cursor is compared with the one of PostgreSQL');
    t.same(await read(second, 'hit'), { statements: [], roundTrips: 1, hvals: 0 }, 'which was done a moment ago');
    const many = await countRedis(cacheRedis, () => Promise.all(Array.from({ length: 100 }, () => first.read(field))));
    t.ok((many.calls.get('evalsha') ?? 0) <= 2, `a hundred at once: ${many.calls.get('evalsha')} of 2 round trips`);
  },
);

t.test('the version in receipts is read from Redis at most once a second', async (t) => {
  const { cache, cacheRedis } = await withBacking(t);
  const versions = new LatestVersions(cache);
  await versions.get(field);
  versions.observe(field, 7);
  const { calls } = await countRedis(cacheRedis, () =>
    Promise.all(Array.from({ length: 50 }, () => versions.get(field))),
  );
  t.ok((calls.get('hget') ?? 0) <= 1);
});
