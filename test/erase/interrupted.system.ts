import t from 'tap';
import { runErasure } from '../../db/erase/run-erasure.ts';
import { subjectOfUser } from '../../db/erase/subject.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { createPseudonyms } from '../../shared/history/pseudonyms.ts';
import { asField, putParticle, setCell } from '../support/updates.ts';
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

const pond = asField('pond');

t.test('an erasure that was interrupted at any point is continued by the same command', async (t) => {
  const { backing, run } = await withErasureTools(t);
  const { db, config } = backing;
  const write = openWriter(backing);
  const pseudonyms = createPseudonyms(erasureKey);
  for (const field of [garden, pond]) {
    await write(jobBy(zoe, field, zoe.phone, [setCell(1, 1, 0.1), putParticle(2, 'zoe-q7')]));
    await write(jobBy(yan, field, yan.phone, [{ ...setCell(1, 2, 0.2), clock: { [zoe.phone]: 2 } }]));
  }
  const record = {
    ...{ id: '0b0f7c1c-8f6e-4c53-9c39-5f2f3c9e7a01', kind: 'user' as const, subject: pseudonyms.ofUser(zoe.user) },
    ...{ devices: [], keyCheck: pseudonyms.keyCheck, requestedBy: 'tester', requestedAt: new Date() },
  };
  const deps = {
    ...{ db, pseudonyms, queues: [], onRecorded: async () => undefined, onDeleted: async () => undefined },
    onProgress: () => undefined,
  };
  const subject = await subjectOfUser(db, zoe.user);
  for (const failAt of [1, 2]) {
    let calls = 0;
    const onAppended = async () => {
      calls += 1;
      if (calls === 1) throw new Error(`interrupted ${failAt}`);
    };
    await t.rejects(runErasure({ ...deps, onAppended }, record, subject), /interrupted/);
    for (const field of [garden, pond]) t.same((await verifyField(db, field)).differences, [], 'consistent meanwhile');
  }
  t.match(await db('erasures'), [{ finished_at: null }]);
  const finished = await run(['erase', '--user', zoe.user, '--yes']);
  t.equal(finished.code, 0, finished.stderr);
  t.match(await db('erasures'), [{ id: record.id, finished_at: Date }]);
  t.same(await searchDatabase(directDatabaseUrl(config), traces), []);
  for (const field of [garden, pond]) {
    t.match(await verifyField(db, field), { version: 4, differences: [] }, 'one erasure in each log');
  }
});

t.test('what is written during an erasure is erased as well, with devices that appear meanwhile', async (t) => {
  const { backing } = await withErasureTools(t);
  const { db, config } = backing;
  const write = openWriter(backing);
  const pseudonyms = createPseudonyms(erasureKey);
  await write(jobBy(zoe, garden, zoe.phone, [setCell(1, 1, 0.1)]));
  await write(jobBy(yan, garden, yan.phone, [setCell(1, 2, 0.2)]));
  const record = {
    ...{ id: '0b0f7c1c-8f6e-4c53-9c39-5f2f3c9e7a02', kind: 'user' as const, subject: pseudonyms.ofUser(zoe.user) },
    ...{ devices: [], keyCheck: pseudonyms.keyCheck, requestedBy: 'tester', requestedAt: new Date() },
  };
  const writes = {
    // After it was found out which devices they have, and after the erasure was appended.
    onRecorded: [() => write(jobBy(zoe, garden, zoe.tablet, [putParticle(1, 'zoe-q7')]))],
    onAppended: [() => write(jobBy(zoe, garden, zoe.phone, [setCell(2, 5, 0.5)]))],
  };
  const verified: unknown[] = [];
  const deps = {
    ...{ db, pseudonyms, queues: [], onDeleted: async () => undefined },
    onRecorded: async () => void (await writes.onRecorded.shift()?.()),
    onAppended: async () => void (await writes.onAppended.shift()?.()),
    onProgress: () => verified.push(verifyField(db, garden)),
  };
  await runErasure(deps, record, await subjectOfUser(db, zoe.user));
  t.not(verified.length, 0);
  for (const verification of verified) t.same(((await verification) as { differences: string[] }).differences, []);
  t.same(await searchDatabase(directDatabaseUrl(config), traces), []);
  t.same((await verifyField(db, garden)).differences, []);
});
