/** Data of the largest size that is valid, or that earlier releases stored: reads of it are bounded by bytes. */
import t from 'tap';
import { clockSchema, conflictsSchema, stateSchema } from '../../shared/contract/state.ts';
import { emptyHash } from '../../shared/field/cursor.ts';
import { countStatements } from '../support/measure/count-statements.ts';
import { measureTurns } from '../support/measure/measure-turns.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { putParticle } from '../support/updates.ts';
import { openStream } from './support/stream-client.ts';
import { withApi } from './support/with-app.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);
const token = await api.createToken();

/** Adds entries to the log of a field that has none, all with the same content. */
async function fillLog(field: string, { count, update }: { count: number; update: object }): Promise<void> {
  const chunk = 25;
  for (let first = 1; first <= count; first += chunk) {
    await backing.db.raw(
      `INSERT INTO field_updates (field_id, version, device_id, counter, logged_at, outcome, update, rules, salt, hash)
       SELECT :field, n, 'phone-old', n, n, 'applied', :update::jsonb, 2, '', md5(n::text)
       FROM generate_series(:first::int, :last::int) AS n`,
      { field, first, last: Math.min(count, first + chunk - 1), update: JSON.stringify(update) },
    );
  }
  await backing.db.raw('UPDATE consciousness_states SET version = ?, hash = md5(?::text) WHERE field_id = ?', [
    count,
    count,
    field,
  ]);
}

async function createField(field: string): Promise<void> {
  const { db } = backing;
  const [global] = await db('consciousness_states').where('field_id', 'template');
  await db('consciousness_states').insert({
    ...global,
    ...{ field_id: field, version: 0, snapshot_version: 0, log_start: 0, log_start_hash: emptyHash },
    memory_particles: JSON.stringify(global.memory_particles),
    quantum_fields: JSON.stringify(global.quantum_fields),
    cells: JSON.stringify(global.cells),
    dynamics: JSON.stringify(global.dynamics),
  });
}

const fullGrid = {
  ...{ counter: 1, timestamp: 1, seen: 0, kind: 'cells.set' },
  cells: Array.from({ length: 900 }, (_, at) => ({ x: at % 30, y: Math.floor(at / 30), value: (at % 97) / 97 })),
};

async function write(field: string, updates: object[], device = token): Promise<void> {
  const headers = { prefer: 'wait=30' };
  const { status } = await api.request(`/api/fields/${field}/updates`, { token: device, headers, body: { updates } });
  if (status !== 200) throw new Error(`the updates were answered with ${status}`);
}

await write('template', [{ counter: 1, timestamp: 1, kind: 'event', type: 'harmony' }]);

t.test('the log is read in pages of a megabyte, however large the entries of an old log are', async (t) => {
  await createField('clocks');
  const clock = Object.fromEntries(Array.from({ length: 4096 }, (_, at) => [`a-device-with-a-long-name-${at}`, at]));
  const update = { counter: 1, timestamp: 1, seen: 0, clock, kind: 'event', type: 'void' };
  await fillLog('clocks', { count: 300, update });
  let after = 0;
  let pages = 0;
  for (; after < 300; pages++) {
    const page = await api.request(`/api/fields/clocks/updates?limit=1000&after=${after}`, { token });
    t.equal(page.status, 200);
    t.ok(page.text.length < 1_200_000, `a page of ${page.text.length} bytes`);
    t.equal(page.body.updates[0].version, after + 1);
    after = page.body.updates.at(-1).version;
  }
  t.ok(pages > 10 && pages < 60, `${pages} pages`);
});

t.test('a stream resumes with a snapshot when the log after its cursor is too large', async (t) => {
  const cursor = `1.${(await backing.db('field_updates').where({ field_id: 'clocks', version: 1 }).first()).hash.slice(0, 16)}`;
  const client = await openStream(t, api, { token, field: 'clocks', after: cursor as never });
  t.equal((await client.find('snapshot')).reason, 'gap');
});

t.test(
  'an earlier state of 1,500 full-grid updates is answered or refused, and never holds up the event loop',
  async (t) => {
    await createField('grid');
    await fillLog('grid', { count: 1500, update: fullGrid });
    let status = 0;
    const { longestTurnMs, cpuMs } = await measureTurns(async () => {
      const response = await api.request('/api/fields/grid?at=1499', { token });
      status = response.status;
      if (status === 200) t.match(stateSchema.parse(response.body), { version: 1499 });
      // 503 if PostgreSQL itself is too slow on a busy machine.
      else t.match(response, { status: /422|503/, body: { code: /replay_too_large|reads_unavailable/ } });
    });
    t.comment(`answered with ${status}; ${cpuMs.toFixed(0)} ms of CPU, ${longestTurnMs.toFixed(1)} ms at a time`);
    // The worker and the client of this test run in the same process.
    t.ok(longestTurnMs < 200, `${longestTurnMs} ms at a time`);
  },
);

t.test('concurrent readers of one earlier state share the work, and too many different ones are refused', async (t) => {
  await createField('shared');
  await fillLog('shared', { count: 150, update: fullGrid });
  const read = (at: number) => api.request(`/api/fields/shared?at=${at}`, { token });
  const countComputations = await countStatements(backing.db, '%"storedBytes"%');
  const same = await Promise.all(Array.from({ length: 20 }, () => read(149)));
  t.same([...new Set(same.map(({ status, body }) => [status, body.version ?? body].join()))], ['200,149']);
  t.equal(await countComputations(), 1, 'it is computed once for twenty readers');
  const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => read(100 + at)));
  const refused = answers.filter(({ status }) => status === 503);
  t.ok(refused.length > 0 && refused.length < 40, `${refused.length} of 40 are refused`);
  t.match(refused[0], { body: { code: 'reads_unavailable', retryAfter: Number } });
  t.ok(answers.every(({ status }) => status === 200 || status === 503));
});

t.test('a clock is read in pages, in the order of the devices', async (t) => {
  await backing.db.raw(
    `INSERT INTO vector_clocks (field_id, device_id, counter, heard_at)
     SELECT 'clocks', 'device-' || to_char(n, 'FM0000'), n, 0 FROM generate_series(1, 2500) AS n`,
  );
  const clock: Record<string, number> = {};
  let path = '/api/fields/clocks/clock';
  for (let page = 1; page <= 3; page++) {
    const body = clockSchema.parse((await api.request(path, { token })).body);
    t.ok(Object.keys(body.clock).length <= 1000);
    Object.assign(clock, body.clock);
    t.equal(body.next === undefined, page === 3);
    path = `/api/fields/clocks/clock?after=${body.next}`;
  }
  t.equal(Object.keys(clock).length, 2500);
  const small = clockSchema.parse((await api.request('/api/fields/clocks/clock?limit=2', { token })).body);
  t.match(small, { clock: { 'device-0001': 1, 'device-0002': 2 }, next: 'device-0002' });
  t.match((await api.request('/api/fields/clocks/clock?device=device-0007', { token })).body, {
    clock: { 'device-0007': 7 },
    next: undefined,
  });
  t.equal((await api.request('/api/fields/clocks/clock?limit=1001', { token })).status, 400);
});

t.test('conflicts are read in pages that are bounded by bytes', async (t) => {
  const other = await api.createToken({ device: 'phone-2' });
  const connections = Array.from({ length: 64 }, (_, at) => `${at}-${'\u{1f30c}'.repeat(62)}`);
  const put = (counter: number, text: string) =>
    putParticle(counter, `p/${counter}`, { content: text.repeat(2000), connections: [...connections, text].slice(1) });
  for (let start = 1; start <= 40; start += 20) {
    const counters = Array.from({ length: 20 }, (_, at) => start + at);
    await write(
      'conflicts',
      counters.map((counter) => put(counter, 'ё')),
    );
    await write(
      'conflicts',
      counters.map((counter) => put(counter, 'ж')),
      other,
    );
  }
  const found: string[] = [];
  let query = '';
  let pages = 0;
  for (; pages < 20; pages++) {
    const response = await api.request(`/api/fields/conflicts/conflicts${query}`, { token });
    t.ok(response.text.length < 1_300_000, `a page of ${response.text.length} bytes`);
    const body = conflictsSchema.parse(response.body);
    found.push(...body.conflicts.map(({ cell, version }) => `${version} ${cell}`));
    if (body.next === undefined) break;
    query = `?before=${encodeURIComponent(body.next)}`;
  }
  t.equal(new Set(found).size, 40);
  t.equal(found.length, 40);
  t.ok(pages > 0, `${pages + 1} pages`);
  t.equal((await api.request('/api/fields/conflicts/conflicts?before=x', { token })).status, 400);
});
