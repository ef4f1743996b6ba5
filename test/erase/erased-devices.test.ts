import t from 'tap';
import { createFieldStore } from '../../db/field-store.ts';
import { listUnpublishedFields } from '../../db/models/unpublished-field.ts';
import { createFieldReader } from '../../db/read/field-reader.ts';
import { loadState } from '../../db/read/field-state.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { lockFields } from '../../db/write/lock-fields.ts';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { createPseudonyms } from '../../shared/history/pseudonyms.ts';
import { pruneThrough } from '../../workers/maintenance/prune-logs.ts';
import { startCommitter, usesPreparedStatements } from '../support/committer.ts';
import { asDevice, asField, putParticle, setCell } from '../support/updates.ts';
import {
  erasureKey,
  garden,
  jobBy,
  openWriter,
  searchDatabase,
  traces,
  withErasureTools,
  yan,
  zoe,
} from './support.ts';

const pseudonyms = createPseudonyms(erasureKey);
const outcomesOf = (results: readonly { readonly outcome: string }[]) => results.map(({ outcome }) => outcome);

t.test('a device that was erased cannot bring its updates back, and can write new ones', async (t) => {
  const { backing, run } = await withErasureTools(t);
  const { db } = backing;
  // Workers that held the field when it was erased, and one that reads it afterwards.
  const [early, late] = [openWriter(backing), openWriter(backing)];
  const kept = [setCell(1, 1, 0.1), putParticle(2, 'a'), setCell(4, 1, 0.4)];
  t.same(outcomesOf(await early(jobBy(zoe, garden, zoe.phone, kept))), ['applied', 'applied', 'applied']);
  await early(jobBy(yan, garden, yan.phone, [setCell(1, 5, 0.5)]));
  t.match(await run(['erase', '--device', zoe.phone, '--yes']), { code: 0 });
  for (const writer of [early, late]) {
    t.same(outcomesOf(await writer(jobBy(zoe, garden, zoe.phone, kept))), ['expired', 'expired', 'expired']);
    t.same(outcomesOf(await writer(jobBy(zoe, garden, zoe.phone, [setCell(3, 1, 0.3)]))), ['expired']);
  }
  t.same((await loadState(db, garden))?.cells.size, 1);
  const reader = createFieldReader(db, pseudonyms);
  t.match(await reader.readReceipt(garden, zoe.phone, 2), { status: 'applied' });
  t.equal(await reader.readLastCounter(garden, zoe.phone), 4);
  t.same((await reader.readClock(garden, { device: zoe.phone }))?.clock, { [zoe.phone]: 4 });
  t.same((await reader.readClock(garden))?.clock, { [yan.phone]: 1 });
  const sent = { field: garden, device: zoe.phone, updates: kept, sentAt: 0 };
  t.same(outcomesOf((await reader.readResults(sent))?.results ?? []), ['expired', 'expired', 'expired']);

  t.same(outcomesOf(await early(jobBy(zoe, garden, zoe.phone, [setCell(5, 1, 0.6)]))), ['applied']);
  t.same(outcomesOf(await late(jobBy(zoe, garden, zoe.phone, [setCell(2, 1, 0.2), setCell(6, 1, 0.7)]))), [
    'expired',
    'applied',
  ]);
  t.same((await verifyField(db, garden)).differences, []);
});

t.test('a worker without the key applies nothing to a field with erased devices, and does not start', async (t) => {
  const { backing, run } = await withErasureTools(t);
  const write = openWriter(backing);
  await write(jobBy(zoe, garden, zoe.phone, [setCell(1, 1, 0.1)]));
  await run(['erase', '--device', zoe.phone, '--yes']);
  const store = createFieldStore(backing.db, { usesPreparedStatements });
  await t.rejects(store.load([garden]), /ERASURE_KEY is missing/);
  t.match(await run(['erase', '--device', 'other', '--yes'], { env: { ERASURE_KEY: '' } }), {
    code: 2,
    stderr: /ERASURE_KEY is missing/,
  });
  t.match(
    await run(['erase', '--device', 'other', '--yes'], { env: { ERASURE_KEY: 'another key of more than 32 bytes' } }),
    {
      code: 2,
      stderr: /ERASURE_KEY is not the key/,
    },
  );
});

t.test('on a device that others use too, only what the user wrote is erased', async (t) => {
  const { backing, run } = await withErasureTools(t);
  const { db, config } = backing;
  const write = openWriter(backing);
  const shared = asDevice('kiosk');
  await write(jobBy(zoe, garden, shared, [setCell(1, 1, 0.1), setCell(2, 2, 0.2)]));
  await write(jobBy(yan, garden, shared, [setCell(3, 2, 0.3), setCell(4, 3, 0.4)]));
  await write(jobBy(zoe, garden, zoe.tablet, [setCell(1, 4, 0.5)]));
  const erased = await run(['erase', '--user', zoe.user, '--yes', '--json']);
  t.match(JSON.parse(erased.stdout), { entries: 3, registers: 2, clocks: 1 });
  t.same([...((await loadState(db, garden))?.cells.keys() ?? [])].sort(), ['2,0', '3,0']);
  t.same(outcomesOf(await write(jobBy(zoe, garden, shared, [setCell(1, 1, 0.1)]))), ['expired']);
  t.same(outcomesOf(await write(jobBy(yan, garden, shared, [setCell(3, 2, 0.3)]))), ['duplicate']);
  t.same((await verifyField(db, garden)).differences, []);
  t.same(await searchDatabase(directDatabaseUrl(config), traces), []);
});

t.test('logs with several erasures verify, are pruned, and are still without what was erased', async (t) => {
  const { backing, run } = await withErasureTools(t);
  const { db, config } = backing;
  const write = openWriter(backing);
  await write(jobBy(yan, garden, yan.phone, [setCell(1, 1, 0.1)]));
  await write(jobBy(zoe, garden, zoe.phone, [setCell(1, 2, 0.2), putParticle(2, 'zoe-q7')]));
  await write(jobBy(zoe, garden, zoe.tablet, [setCell(1, 3, 0.3)]));
  await run(['erase', '--device', zoe.phone, '--yes']);
  t.match(await verifyField(db, garden), { version: 5, replayedFrom: 4, differences: [] });
  await write(jobBy(yan, garden, yan.phone, [setCell(2, 4, 0.4)]));
  // The state that the first erasure left has the tablet's cell, so its content is erased as well.
  await run(['erase', '--device', zoe.tablet, '--yes']);
  t.match(await verifyField(db, garden), { version: 7, replayedFrom: 6, differences: [] });
  t.same(await searchDatabase(directDatabaseUrl(config), traces), []);
  const reader = createFieldReader(db, pseudonyms);
  t.equal((await reader.loadStateAt(garden, 1)).version, 1);
  for (const version of [2, 4, 5, 6]) await t.rejects(reader.loadStateAt(garden, version), { code: 'erased' });

  await db('field_updates')
    .where({ field_id: garden, version: 2 })
    .update({ content_hash: 'f'.repeat(64) });
  t.match((await verifyField(db, garden)).differences, [/version 2 does not match/], 'a changed hash is found');
  for (const through of [3, 6]) {
    await db.transaction(async (trx) => {
      const [locked] = await lockFields(trx, [garden]);
      if (locked) await pruneThrough(trx, locked, through);
    });
    t.same((await verifyField(db, garden)).differences, [], `pruned through ${through}`);
  }
  await db.transaction(async (trx) => {
    const [locked] = await lockFields(trx, [garden]);
    if (locked) await pruneThrough(trx, locked, 7);
  });
  await write(jobBy(yan, garden, yan.phone, [setCell(3, 5, 0.5)]));
  t.match(await verifyField(db, garden), { version: 8, replayedFrom: 7, differences: [] });
});

t.test('what a device wrote before the log was pruned is erased from snapshots and states', async (t) => {
  const { backing, run } = await withErasureTools(t);
  const { db, config } = backing;
  const write = openWriter(backing);
  await write(jobBy(zoe, garden, zoe.phone, [setCell(1, 2, 0.2), putParticle(2, 'zoe-q7')]));
  await write(jobBy(yan, garden, yan.phone, [setCell(1, 1, 0.1), setCell(2, 3, 0.1)]));
  await db.transaction(async (trx) => {
    const [locked] = await lockFields(trx, [garden]);
    if (locked) await pruneThrough(trx, locked, 3);
  });
  await run(['erase', '--device', zoe.phone, '--yes']);
  t.same(await searchDatabase(directDatabaseUrl(config), traces), []);
  t.match(await verifyField(db, garden), { version: 5, replayedFrom: 4, differences: [] });
  await t.rejects(createFieldReader(db).loadStateAt(garden, 3), { code: 'erased' });
  t.same(outcomesOf(await write(jobBy(zoe, garden, zoe.phone, [setCell(1, 2, 0.2)]))), ['expired']);
});

t.test('a field is erased with everything that it has, and old updates cannot bring it back', async (t) => {
  const { backing, run } = await withErasureTools(t);
  const { db, config, cache } = backing;
  const write = openWriter(backing);
  const secret = asField('zoe-q7');
  const kept = [setCell(1, 1, 0.1), putParticle(2, 'a')];
  await write(jobBy(zoe, secret, zoe.phone, kept));
  await write(jobBy(yan, secret, yan.phone, [setCell(1, 2, 0.2)]));
  await write(jobBy(yan, garden, yan.phone, [setCell(1, 2, 0.2)]));
  const erased = await run(['erase', '--field', secret, '--yes', '--json']);
  t.match(JSON.parse(erased.stdout), { entries: 4, clocks: 2 }, erased.stderr);
  t.same(await searchDatabase(directDatabaseUrl(config), traces), []);
  t.equal(await cache.readCursor(secret), undefined);
  t.match(await run(['state', secret]), { code: 1 });
  t.match(await db('erasures'), [{ kind: 'field', finished_at: Date }]);
  t.same((await verifyField(db, garden)).differences, []);

  t.same(outcomesOf(await write(jobBy(zoe, secret, zoe.phone, kept))), ['expired', 'expired']);
  t.same(outcomesOf(await write(jobBy(yan, secret, yan.phone, [setCell(2, 3, 0.3)]))), ['applied']);
  t.match(await verifyField(db, secret), { version: 1, differences: [] }, 'the field begins anew');
});

t.test('old updates of an erased field are refused while the cache is down, too', async (t) => {
  const { backing, run } = await withErasureTools(t);
  const secret = asField('zoe-q7');
  const old = jobBy(zoe, secret, zoe.phone, [setCell(1, 1, 0.1)]);
  await openWriter(backing)(old);
  t.match(await run(['erase', '--field', secret, '--yes']), { code: 0 });
  const cache = Object.assign(Object.create(backing.cache), {
    publish: () => Promise.reject(new Error('the cache is down')),
  });
  const store = createFieldStore(backing.db, { usesPreparedStatements, pseudonyms });
  const committer = startCommitter(t, backing, { store, cache });
  t.match(await committer.submit(old, 1), { version: 0, results: [{ outcome: 'expired' }] });
  t.match(await listUnpublishedFields(backing.db, 10), [{ field: secret, version: 0 }], 'published later');
});
