import t, { type Test } from 'tap';
import { toFragments } from '../../../shared/cache/state-fragments.ts';
import { type Backing, withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { readStored, waitForCache } from '../../support/read-back.ts';
import { asCursor, asDevice, asField, jobOf, putParticle, setCell } from '../../support/updates.ts';
import { settingsOf, withField } from '../run-field.ts';

const garden = asField('garden');
const [ada, bob] = [asDevice('ada'), asDevice('bob')];

/** Four updates: two concurrent writes to one cell, and two to one particle. */
async function withGarden(t: Test): Promise<Backing> {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const content = 'clear \u001b[2J the screen';
  const { producer } = backing;
  await producer.enqueue(jobOf(garden, ada, [setCell(1, 4, 0.25), putParticle(2, 'star', { content })]));
  await producer.enqueue(jobOf(garden, bob, [setCell(1, 4, 0.75), putParticle(2, 'star', { content: 'another' })]));
  await waitForCache(backing, garden, 4);
  return backing;
}

t.test('state, conflicts and verify read the applied updates', async (t) => {
  const backing = await withGarden(t);
  const { reader, db, cacheRedis, keys } = backing;
  const field = await withField(t, settingsOf(backing));

  await t.test('state prints the same bytes as the API', async (t) => {
    const bytes = await readStored(backing, garden);
    const raw = await field(['state', 'garden', '--json']);
    t.match(raw, { code: 0, stderr: '' });
    t.equal(raw.stdout, `${bytes}\n`);
    const pretty = await field(['state', 'garden']);
    t.same(JSON.parse(pretty.stdout), JSON.parse(bytes));
    t.match(pretty.stdout, '{\n  "field": "garden",\n');
    const summary = JSON.parse((await field(['state', 'garden', '--summary'])).stdout);
    t.equal(summary.version, 4);
    t.notOk('memoryParticles' in summary || 'cells' in summary);
  });

  await t.test('state --at prints the state at an earlier version', async (t) => {
    const first = JSON.parse((await field(['state', 'garden', '--at', '1'])).stdout);
    t.match(first, { version: 1, cells: { '4,0': 0.25 }, memoryParticles: [] });
    t.match(await field(['state', 'garden', '--at', '5']), { code: 1, stderr: /has not reached version 5/ });
    t.match(await field(['state', 'nowhere']), { code: 1, stderr: /There is no field nowhere/ });
    t.match(await field(['state', 'nowhere', '--at', '1']), { code: 1, stderr: /There is no field nowhere/ });
  });

  await t.test('conflicts prints a table, newest first, with control characters escaped', async (t) => {
    const { code, stdout } = await field(['conflicts', 'garden']);
    t.equal(code, 0);
    const [head, newest, oldest, total] = stdout.split('\n');
    t.match(head, /^version +time +cell +local +value +remote +value +resolution$/);
    t.match(newest, /^4 .*particle\/star +ada 2 .*bob 2 /);
    t.match(oldest, /^3 .*4,0 +ada 1 +0.25 +bob 1 +0.75 +used_remote$/);
    t.equal(total, '2 of 2 conflicts of garden');
    t.notMatch(stdout, '\u001b');
    const json = JSON.parse((await field(['conflicts', 'garden', '--limit', '1', '--json'])).stdout);
    t.match(json, { field: 'garden', total: 2 });
    t.equal(json.conflicts.length, 1);
    t.match(await field(['conflicts', 'nowhere']), { code: 1, stderr: /There is no field nowhere/ });
  });

  await t.test('verify finds no differences in an intact field', async (t) => {
    const { code, stdout } = await field(['verify']);
    t.equal(code, 0);
    t.equal(stdout, 'ok  garden  version 4  replayed 4  cache same\n1 field verified, 0 differ\n');
    t.match(await field(['verify', 'global']), { code: 0, stdout: /^ok {2}global {2}version 0/ });
    t.match(await field(['verify', 'nowhere']), { code: 1, stderr: /There is no field nowhere/ });
  });

  await t.test('verify succeeds when the cached state is missing, behind or unavailable', async (t) => {
    const key = keys.stateKey(garden);
    await cacheRedis.hset(key, 'cursor', asCursor(3));
    t.match(await field(['verify']), { code: 0, stdout: /cache behind at version 3\n/ });
    await cacheRedis.hset(key, 'cursor', String(await reader.readCursor(garden)));
    t.match(await field(['verify'], { env: { CACHE_REDIS_URL: 'redis://127.0.0.1:1' } }), {
      ...{ code: 0, stdout: /cache not checked\n/ },
      stderr: /The Redis of the cache at 127\.0\.0\.1:1 cannot be reached/,
    });
    t.match(await field(['verify'], { env: { CACHE_REDIS_URL: '' } }), { code: 0, stderr: /not set/ });
    await cacheRedis.del(key);
    t.match(await field(['verify']), { code: 0, stdout: /cache absent\n/ });
  });

  await t.test('verify exits with code 1 when the cached state or a log row was altered', async (t) => {
    const stored = await reader.loadState(garden);
    if (!stored) throw new Error('there is no garden');
    await backing.cache.fill(await backing.cache.beginFill(garden), toFragments(stored));
    t.match(await field(['verify']), { code: 0, stdout: /cache same\n/ });
    await cacheRedis.hset(keys.stateKey(garden), 'c:4,0', 'c4,0 0.5');
    t.match(await field(['verify']), {
      code: 1,
      stdout: /^DIFFERS {2}garden .*cached copy at version 4 differs.*1 differ/s,
    });
    await cacheRedis.hset(keys.stateKey(garden), 'c:4,0', 'c4,0 0.75');
    await db.raw(`update field_updates set update = jsonb_set(update, '{cells,0,value}', '0.5') where version = 3`);
    const { code, stdout } = await field(['verify', '--json']);
    t.equal(code, 1);
    const { differing, fields } = JSON.parse(stdout);
    t.equal(differing, 1);
    t.match(fields[0], { field: 'garden', version: 4 });
    t.ok(fields[0].differences.length >= 1, 'the differences are listed');
  });
});

t.test('a command exits with code 3 when the database is unavailable', async (t) => {
  const field = await withField(t, { DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/field' });
  const { code, stdout, stderr } = await field(['state', 'global']);
  t.equal(code, 3);
  t.equal(stdout, '');
  t.match(stderr, /^PostgreSQL at 127\.0\.0\.1:1\/field cannot be reached: .*ECONNREFUSED/);
  t.notMatch(stderr, 'secret');
});
