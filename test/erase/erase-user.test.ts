import t from 'tap';
import { createFieldReader } from '../../db/read/field-reader.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { createPseudonyms } from '../../shared/history/pseudonyms.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { withWorker } from '../support/processes/with-worker.ts';
import { readCached, readCursorAt, readStored, waitForCache, waitForVersion } from '../support/read-back.ts';
import { putParticle, setCell } from '../support/updates.ts';
import { erasureKey, garden, jobBy, marker, searchEverywhere, withErasureTools, yan, zoe } from './support.ts';

t.test('the erasure of a user leaves nothing of them, an intact chain and an exact replay', async (t) => {
  const { backing, run } = await withErasureTools(t);
  const { db, producer, config, log } = backing;
  await withWorker(t, backing);
  const before = [putParticle(1, 'tree', { content: 'tall' }), setCell(2, 1, 0.1)];
  await producer.enqueue(jobBy(yan, garden, yan.phone, before));
  await waitForVersion(backing, garden, 2);
  const zoes = [
    putParticle(1, marker, { content: marker, connections: ['tree'] }),
    setCell(2, 1, 0.9, { seen: 2 }),
    setCell(3, 2, 0.8),
    putParticle(4, 'tree', { content: marker }, { seen: 2 }),
  ];
  await producer.enqueue(jobBy(zoe, garden, zoe.phone, zoes));
  await waitForVersion(backing, garden, 6);
  await producer.enqueue(
    jobBy(yan, garden, yan.phone, [
      { ...setCell(3, 2, 0.3), clock: { [zoe.phone]: 3, [yan.phone]: 2, nobody: 7 } },
      setCell(4, 3, 0.4),
      putParticle(5, 'tree', { resonance: 0.9 }, { seen: 6 }),
    ]),
  );
  await waitForVersion(backing, garden, 9);
  const cursors = await Promise.all([3, 6, 9].map((version) => readCursorAt(backing, garden, version)));

  const preview = await run(['erase', '--user', zoe.user, '--json']);
  t.match(JSON.parse(preview.stdout), {
    erased: false,
    devices: [zoe.phone],
    fields: [{ field: 'garden', entries: 4, registers: 5, clocks: 1 }],
  });
  t.match(await run(['erase', '--user', zoe.user]), { stdout: /garden +4 +5 [\s\S]*Nothing was erased/ });
  t.equal((await verifyField(db, garden)).version, 9, 'a preview changes nothing');

  const erased = await run(['erase', '--user', zoe.user, '--yes', '--json', '--by', 'tester']);
  t.equal(erased.code, 0, erased.stderr);
  t.match(JSON.parse(erased.stdout), { erased: true, entries: 4, mentions: 1, clocks: 1, registers: 5 });
  const queueRedis = connectRedis(config.QUEUE_REDIS_URL, 'test', log);
  t.teardown(() => queueRedis.disconnect());
  t.same(await searchEverywhere(backing, queueRedis), []);

  const verified = await verifyField(db, garden);
  t.same(verified.differences, []);
  t.match(verified, { version: 10, replayedFrom: 9 });
  t.same(
    await Promise.all([3, 6, 9].map((version) => readCursorAt(backing, garden, version))),
    cursors,
    'cursors of erased versions stay known',
  );
  const state = JSON.parse(await readStored(backing, garden));
  t.same(state.cells, { '2,0': 0.3, '3,0': 0.4 }, 'what they wrote last is empty, what others wrote stays');
  t.match(state.memoryParticles, [{ id: 'tree', resonance: 0.9, device: yan.phone }]);
  t.equal(state.memoryParticles.length, 1);
  t.notOk('content' in state.memoryParticles[0]);
  await waitForCache(backing, garden, 10);
  t.equal(await readCached(backing, garden), await readStored(backing, garden));

  const reader = createFieldReader(db, createPseudonyms(erasureKey));
  await t.rejects(reader.loadStateAt(garden, 3), { code: 'erased' });
  await t.rejects(reader.loadStateAt(garden, 9), { code: 'erased' });
  t.equal((await reader.loadStateAt(garden, 2)).version, 2);
  t.equal((await reader.loadStateAt(garden, 10)).version, 10);
  const [record] = await db('erasures');
  t.match(await db('operator_actions'), [{ action: 'erase', target: 'user', details: { id: record.id } }]);
  t.match(record, { kind: 'user', requested_by: 'tester', finished_at: Date, counts: { entries: 4 } });
});
