import t from 'tap';
import { receiptSchema } from '../../shared/contract/receipt.ts';
import {
  clockSchema,
  conflictsSchema,
  createLogPageSchema,
  stateSchema,
  summarySchema,
} from '../../shared/contract/state.ts';
import { countStatements } from '../support/measure/count-statements.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { readStored } from '../support/read-back.ts';
import { asField, putParticle, setCell } from '../support/updates.ts';
import { withApi } from './support/with-app.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);
const token = await api.createToken();

const read = (path: string, headers: Record<string, string> = {}) =>
  api.request(`/api/fields/${path}`, { token, headers });

async function write(field: string, updates: unknown[], as = token): Promise<void> {
  const response = await api.request(`/api/fields/${field}/updates`, {
    token: as,
    body: { updates },
    headers: { prefer: 'wait=20' },
  });
  if (response.status !== 200) throw new Error(`not applied: ${response.text}`);
}

t.test('a field without updates is not found, except global', async (t) => {
  t.match(await read('empty'), { status: 404, body: { code: 'field_not_found' } });
  const { status, body } = await read('global');
  t.equal(status, 200);
  t.match(stateSchema.parse(body), { field: 'global', version: 0, memoryParticles: [], globalResonance: 0.5 });
});

t.test('a field is found as soon as its first update is applied, although it was not found just before', async (t) => {
  t.equal((await read('fresh')).status, 404);
  await write('fresh', [setCell(1, 0, 0.5)]);
  t.equal((await read('fresh')).status, 200);
});

t.test('the state has the same bytes from PostgreSQL, from the cache and from memory', async (t) => {
  await write('bytes', [
    putParticle(1, 'b', { content: 'é', connections: ['a', 'c', 'd'], resonance: 0.9 }),
    putParticle(2, 'a'),
  ]);
  await write('bytes', [setCell(3, 5, 0.25), setCell(4, 1, 1)]);
  const stored = await readStored(backing, asField('bytes'));
  const fromCache = await read('bytes');
  t.equal(fromCache.headers.get('x-cache'), 'hit');
  t.equal(fromCache.text, stored);
  stateSchema.parse(fromCache.body);
  t.equal((await read('bytes')).text, stored);

  await backing.cacheRedis.del(backing.keys.stateKey(asField('bytes')));
  const cold = await withApi(t, backing);
  const missed = await cold.request('/api/fields/bytes', { token });
  t.equal(missed.headers.get('x-cache'), 'miss');
  t.equal(missed.text, stored);
  t.equal(
    (await cold.request('/api/fields/bytes', { token })).headers.get('x-cache'),
    'hit',
    'the miss has populated the cache',
  );
});

t.test('concurrent reads of an uncached field share one query', async (t) => {
  await write('uncached', [putParticle(1, 'a')]);
  const cold = await withApi(t, backing);
  await backing.cacheRedis.del(backing.keys.stateKey(asField('uncached')));
  // The statement of a read; the worker's, which reads many fields, does not match.
  const countReads = await countStatements(
    backing.db,
    '%from "consciousness_states" where "consciousness_states"."field_id" = %',
  );
  const responses = await Promise.all(
    Array.from({ length: 300 }, () => cold.request('/api/fields/uncached', { token })),
  );
  t.ok(responses.every(({ status, body }) => status === 200 && body.version === 1));
  const reads = await countReads();
  t.ok(reads >= 1 && reads < 10, `${reads} queries: one, or a few if the cache does not respond in time`);
});

t.test('a client reads its own update as soon as it is applied', async (t) => {
  for (let counter = 1; counter <= 20; counter++) {
    await write('own', [setCell(counter, 0, counter / 100)]);
    const { body } = await read('own');
    t.equal(body.version, counter);
    t.equal(body.cells['0,0'], counter / 100);
  }
});

t.test('a device that has just written counts as present', async (t) => {
  await write('present', [setCell(1, 0, 0.5)]);
  t.equal((await read('present?view=summary')).body.activeNodes, 1);
});

t.test('a state of 1 KiB or more is compressed for those who accept it, with the same content and ETag', async (t) => {
  const content = 'a memory '.repeat(20);
  await write(
    'gzip',
    Array.from({ length: 20 }, (_, index) => putParticle(index + 1, `p${index}`, { content })),
  );
  const plain = await read('gzip', { 'accept-encoding': 'identity' });
  t.equal(plain.headers.get('content-encoding'), null);
  for (const accepted of ['gzip', 'br, gzip;q=0.5']) {
    const { headers, body } = await read('gzip', { 'accept-encoding': accepted });
    t.equal(headers.get('content-encoding'), 'gzip', accepted);
    t.match(headers.get('vary'), /accept-encoding/);
    t.equal(headers.get('etag'), plain.headers.get('etag'));
    t.ok(Number(headers.get('content-length')) < plain.text.length / 2);
    t.same(body, plain.body);
  }
  for (const path of ['gzip?view=summary', 'gzip?region=0,0,1,1'])
    t.equal((await read(path, { 'accept-encoding': 'gzip' })).headers.get('content-encoding'), null, path);
  const refusing = await read('gzip', { 'accept-encoding': 'gzip;q=0' });
  t.equal(refusing.headers.get('content-encoding'), null);
});

t.test('the cursor is the ETag, and a matching If-None-Match is answered with 304', async (t) => {
  await write('etag', [setCell(1, 0, 0.5)]);
  const { headers, body } = await read('etag');
  const etag = headers.get('etag') ?? '';
  t.equal(etag, `"${body.cursor}"`);
  t.match(body.cursor, /^1\.[0-9a-f]{16}$/);
  for (const header of [etag, `W/${etag}`, `"0.1", ${etag}`, '*']) {
    const response = await read('etag', { 'if-none-match': header });
    t.equal(response.status, 304, header);
    t.equal(response.text, '');
    t.equal(response.headers.get('etag'), etag);
  }
  await write('etag', [setCell(2, 0, 0.75)]);
  t.match(await read('etag', { 'if-none-match': etag }), { status: 200, body: { version: 2 } });
});

t.test('the summary leaves out particles and cells', async (t) => {
  await write('summary', [putParticle(1, 'a'), setCell(2, 0, 0.5)]);
  const { body, headers } = await read('summary?view=summary');
  t.match(summarySchema.parse(body), { version: 2, quantumFields: [{ id: 'primary-field' }] });
  t.equal(headers.get('etag'), `"${body.cursor}"`);
});

t.test('an earlier version can be read; a later and an invalid one are refused', async (t) => {
  await write('past', [setCell(1, 0, 0.25), setCell(2, 0, 0.5), setCell(3, 0, 0.75)]);
  const { body, headers } = await read('past?at=2');
  t.match(stateSchema.parse(body), { version: 2, cells: { '0,0': 0.5 } });
  t.equal(headers.get('etag'), `"${body.cursor}"`);
  t.match(await read('past?at=4'), { status: 404, body: { code: 'version_ahead' } });
  t.match(await read('past?at=-1'), { status: 400, body: { errors: [{ path: '/query/at' }] } });
  t.match(await read('empty?at=1'), { status: 404, body: { code: 'field_not_found' } });
});

t.test('the log after a version is paged', async (t) => {
  await write('log', [setCell(1, 0, 0.25), putParticle(2, 'a', { content: 'x' }), setCell(3, 0, 0.75)]);
  const schema = createLogPageSchema(30);
  const first = schema.parse((await read('log/updates?limit=2')).body);
  t.same([first.version, first.oldest, first.updates.map(({ version }) => version)], [3, 0, [1, 2]]);
  const rest = schema.parse((await read('log/updates?after=2')).body);
  t.match(rest.updates, [{ version: 3, device: 'phone-1', outcome: 'applied', update: { counter: 3 } }]);
  t.same(schema.parse((await read('log/updates?after=3')).body).updates, []);
  t.match(await read('log/updates?limit=1001'), { status: 400, body: { errors: [{ path: '/query/limit' }] } });
  t.equal((await read('empty/updates')).status, 404);
});

t.test('a version before the start of a pruned log is gone', async (t) => {
  await write('pruned', [setCell(1, 0, 0.25), setCell(2, 0, 0.5)]);
  await backing.db('consciousness_states').where('field_id', 'pruned').update({ log_start: 1 });
  t.match(await read('pruned/updates?after=0'), { status: 410, body: { code: 'version_not_kept' } });
  t.equal((await read('pruned/updates?after=1')).status, 200);
});

t.test('a receipt has the outcome of an update, or unknown', async (t) => {
  await write('receipts', [setCell(1, 0, 0.25)]);
  t.match(receiptSchema.parse((await read('receipts/updates/phone-1/1')).body), {
    status: 'applied',
    version: 1,
    outcome: 'applied',
  });
  t.match(receiptSchema.parse((await read('receipts/updates/phone-1/2')).body), { status: 'unknown' });
  t.match(receiptSchema.parse((await read('empty/updates/phone-1/2')).body), { status: 'unknown' });
  t.match(await read('receipts/updates/phone-1/none'), { status: 400, body: { errors: [{ path: '/path/counter' }] } });
});

t.test('conflicts are sorted newest first, with their total; the clock has every device', async (t) => {
  const second = await api.createToken({ device: 'phone-2' });
  await write('contended', [setCell(1, 0, 0.25), putParticle(2, 'p', { content: 'one' })]);
  await write('contended', [setCell(1, 0, 0.5), putParticle(2, 'p', { content: 'two' })], second);
  const conflicts = conflictsSchema.parse((await read('contended/conflicts')).body);
  t.equal(conflicts.total, 2);
  t.same(
    conflicts.conflicts.map(({ cell }) => cell),
    ['particle/p', '0,0'],
  );
  t.match(conflicts.conflicts[1], {
    local: { device: 'phone-1', value: 0.25 },
    remote: { device: 'phone-2', value: 0.5 },
  });
  t.match(clockSchema.parse((await read('contended/clock')).body), {
    field: 'contended',
    version: 4,
    clock: { 'phone-1': 2, 'phone-2': 2 },
  });
  t.same((await read('contended/clock?device=phone-2')).body.clock, { 'phone-2': 2 }, 'of one device');
  t.same((await read('contended/clock?device=phone-3')).body.clock, {});
  t.equal((await read('contended/clock?device=phone 3')).status, 400);
  t.equal((await read('empty/conflicts')).status, 404);
  t.equal((await read('empty/clock')).status, 404);
});
