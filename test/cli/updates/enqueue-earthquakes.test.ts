import { fileURLToPath } from 'node:url';
import t from 'tap';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { readCached, readStored, waitForCache } from '../../support/read-back.ts';
import { asField } from '../../support/updates.ts';
import { settingsOf, withField } from '../run-field.ts';

const file = fileURLToPath(new URL('../../data/earthquakes.ndjson', import.meta.url));
const quakes = asField('quakes');
const count = 1707;

t.test('earthquakes that are sent twice are applied once, and the cache equals PostgreSQL', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const field = await withField(t, settingsOf(backing));
  const enqueue = () => field(['enqueue', file, '--field', quakes, '--json']);
  const first = await enqueue();
  t.equal(first.code, 0, first.stderr);
  t.match(JSON.parse(first.stdout), {
    ...{ lines: count, accepted: count, applied: count, version: count, conflicts: 0 },
    ...{ duplicates: 0, reused: 0, refused: 0 },
  });
  const second = await enqueue();
  t.equal(second.code, 0, second.stderr);
  t.match(JSON.parse(second.stdout), { lines: count, accepted: 0, applied: 0, duplicates: count, version: count });

  const { rows } = await backing.db.raw('select count(*)::int as count from field_updates where field_id = ?', [
    quakes,
  ]);
  t.equal(rows[0].count, count);
  await waitForCache(backing, quakes, count);
  const stored = await readStored(backing, quakes);
  t.equal(await readCached(backing, quakes), stored);
  const { memoryParticles } = JSON.parse(stored);
  t.ok(memoryParticles.length >= 800 && memoryParticles.length <= 1000, `${memoryParticles.length} particles`);
  t.match(await field(['verify', quakes]), {
    code: 0,
    stdout: `ok  ${quakes}  version ${count}  replayed ${count}  cache same\n1 field verified, 0 differ\n`,
  });
});
