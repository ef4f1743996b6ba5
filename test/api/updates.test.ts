import t from 'tap';
import { problemSchema } from '../../shared/contract/problem.ts';
import { acceptedSchema, appliedSchema, receiptSchema } from '../../shared/contract/receipt.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type TestResponse, withApi } from './support/with-app.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);
const token = await api.createToken();

const send = (field: string, body: unknown, headers: Record<string, string> = {}) =>
  api.request(`/api/fields/${field}/updates`, { token, body, headers });

function problemOf({ body, headers, status }: TestResponse) {
  const problem = problemSchema.parse(body);
  if (problem.status !== status) throw new Error('the status of the response and of the problem differ');
  if (!headers.get('content-type')?.startsWith('application/problem+json'))
    throw new Error('the response is not a problem');
  return problem;
}

t.test('accepted updates are answered with their durability and applied later', async (t) => {
  const response = await send('accepted', { updates: [setCell(1, 0, 0.5), setCell(2, 1, 0.5)] });
  t.equal(response.status, 202);
  const accepted = acceptedSchema.parse(response.body);
  t.match(accepted, { accepted: 2, field: 'accepted', durability: 'fsync' });
  t.notOk(accepted.adjusted);
  await waitUntil('the second update is applied', async () => {
    const { body } = await api.request('/api/fields/accepted/updates/phone-1/2', { token });
    return receiptSchema.parse(body).status === 'applied';
  });
});

t.test('a request with Prefer: wait is answered with the results', async (t) => {
  const response = await send('wait', { updates: [setCell(1, 0, 0.5)] }, { prefer: 'respond-async, wait=20' });
  t.equal(response.status, 200);
  t.equal(response.headers.get('preference-applied'), 'wait=20');
  t.match(appliedSchema.parse(response.body), {
    field: 'wait',
    version: 1,
    results: [{ counter: 1, outcome: 'applied', version: 1 }],
  });
});

t.test('a repeated update is a duplicate, and a different update with the same counter is reused', async (t) => {
  const prefer = { prefer: 'wait=20' };
  await send('again', { updates: [setCell(1, 0, 0.5)] }, prefer);
  const again = await send('again', { updates: [setCell(1, 0, 0.5)] }, prefer);
  t.match(again.body, { version: 1, results: [{ counter: 1, outcome: 'duplicate', version: 1 }] });
  const reused = await send('again', { updates: [setCell(1, 0, 0.75)] }, prefer);
  t.match(reused.body, { version: 1, results: [{ counter: 1, outcome: 'reused', version: 1 }] });
  appliedSchema.parse(reused.body);
});

t.test('concurrent writes to a cell have the outcome conflict with a resolution', async (t) => {
  const other = await api.createToken({ device: 'phone-2' });
  await send('conflict', { updates: [setCell(1, 0, 0.5)] }, { prefer: 'wait=20' });
  const response = await api.request('/api/fields/conflict/updates', {
    token: other,
    body: { updates: [setCell(1, 0, 0.25, { timestamp: 1_700_000_005_000 })] },
    headers: { prefer: 'wait=20' },
  });
  t.match(appliedSchema.parse(response.body).results, [{ outcome: 'conflict', resolution: 'used_remote' }]);
});

t.test('a request with Prefer: wait is answered with 202 if no worker applies the updates in time', async (t) => {
  const separate = await withBacking(t);
  const idle = await withApi(t, separate);
  const sentAt = Date.now();
  const response = await idle.request('/api/fields/global/updates', {
    token: await idle.createToken(),
    body: { updates: [setCell(1, 0, 0.5)] },
    headers: { prefer: 'wait=1' },
  });
  t.equal(response.status, 202);
  const { accepted, serverTime } = acceptedSchema.parse(response.body);
  t.equal(accepted, 1);
  t.ok(serverTime >= sentAt + 900, 'the time is that of the response: devices correct their clocks by it');
  t.equal(response.headers.get('preference-applied'), null);
});

t.test('a timestamp too far ahead is clamped to the server time and reported as adjusted', async (t) => {
  const ahead = setCell(1, 0, 0.5, { timestamp: Date.now() + 3_600_000 });
  const { body } = await send('ahead', { updates: [ahead, setCell(2, 1, 0.5)] }, { prefer: 'wait=20' });
  t.same(appliedSchema.parse(body).adjusted, [1]);
  t.ok(body.serverTime <= Date.now());
  const { body: log } = await api.request('/api/fields/ahead/updates', { token });
  t.ok(log.updates[0].update.timestamp <= body.serverTime);
});

t.test('a batch with invalid input is refused as a whole, with the path of each error', async (t) => {
  const put = { counter: 1, timestamp: 1, kind: 'particle.put', id: 'a' };
  const cases: [string, unknown, string][] = [
    ['no updates', { updates: [] }, '/updates'],
    ['501 updates', { updates: Array.from({ length: 501 }, (_, index) => setCell(index + 1, 0, 0.5)) }, '/updates'],
    ['an unknown key', { updates: [{ ...put, colour: 'red' }] }, '/updates/0'],
    ['an unknown key in the body', { updates: [put], more: 1 }, '/'],
    ['U+0000', { updates: [{ ...put, content: 'a\u0000b' }] }, '/updates/0/content'],
    ['U+0000 in an id', { updates: [{ ...put, id: 'a\u0000b' }] }, '/updates/0/id'],
    ['a number out of range', { updates: [{ ...put, resonance: 1.5 }] }, '/updates/0/resonance'],
    ['a counter of 0', { updates: [{ ...put, counter: 0 }] }, '/updates/0/counter'],
    ['a counter beyond 2^53', { updates: [{ ...put, counter: 2 ** 53 }] }, '/updates/0/counter'],
    ['counters that do not increase', { updates: [put, put] }, '/updates/1/counter'],
    ['a cell off the grid', { updates: [setCell(1, 30, 0.5)] }, '/updates/0/cells/0/x'],
    [
      'the same cell twice',
      { updates: [{ ...setCell(1, 0, 1), cells: [0, 1].map(() => ({ x: 1, y: 1, value: 1 })) }] },
      '/updates/0/cells',
    ],
    ['an unknown kind', { updates: [{ ...put, kind: 'particle.sing' }] }, '/updates/0/kind'],
    ['an array as the body', [put], '/'],
    ['no body', null, '/'],
  ];
  for (const [what, body, path] of cases) {
    const response = await send('faults', body);
    t.equal(response.status, 400, what);
    const problem = problemOf(response);
    t.equal(problem.code, 'invalid_input', what);
    t.equal(problem.errors?.[0]?.path, path, what);
  }
  const surrogate = await send(
    'faults',
    '{"updates":[{"counter":1,"timestamp":1,"kind":"particle.put","id":"a","content":"\\ud800"}]}',
  );
  t.equal(problemOf(surrogate).errors?.[0]?.path, '/updates/0/content');
  t.equal((await api.request('/api/fields/faults', { token })).status, 404, 'nothing was applied');
});

t.test('text is stored unchanged', async (t) => {
  const content = ' <b>&amp; "quoted"</b> \u2028 é 🌀\n ';
  await send(
    'text',
    { updates: [{ counter: 1, timestamp: 1, kind: 'particle.put', id: ' ../{}"', content }] },
    { prefer: 'wait=20' },
  );
  const { body } = await api.request('/api/fields/text', { token });
  t.match(body.memoryParticles, [{ id: ' ../{}"', content }]);
});

t.test('a body that is not JSON or could pollute prototypes is a bad request', async (t) => {
  for (const body of [
    '{"updates":',
    '{"__proto__":{"updates":[]}}',
    '{"updates":[{"constructor":{"prototype":{}}}]}',
    '',
  ]) {
    const response = await send('json', body);
    t.equal(response.status, 400, body);
    t.equal(problemOf(response).code, 'bad_request', body);
  }
});

t.test('a body above 1 MiB is refused with 413, and another content type with 415', async (t) => {
  const large = await send('large', JSON.stringify({ updates: ['x'.repeat(1024 * 1024)] }));
  t.equal(large.status, 413);
  t.equal(problemOf(large).code, 'too_large');
  const xml = await api.request('/api/fields/large/updates', {
    token,
    body: '<a/>',
    headers: { 'content-type': 'text/xml' },
  });
  t.equal(xml.status, 415);
  t.equal(problemOf(xml).code, 'unsupported_media_type');
});

t.test('a counter more than 1,000,000 above the last one in the log is refused, also after a restart', async (t) => {
  const far = await send('counters', { updates: [setCell(1_000_001, 0, 0.5)] });
  t.equal(problemOf(far).code, 'counter_too_far');
  t.match(far.body.errors, [{ path: '/updates/0/counter' }]);
  t.equal((await send('counters', { updates: [setCell(1_000_000, 0, 0.5)] }, { prefer: 'wait=20' })).status, 200);
  t.equal((await send('counters', { updates: [setCell(2_000_000, 0, 0.5)] }, { prefer: 'wait=20' })).status, 200);
  const gap = await send('counters', { updates: [setCell(2_000_001, 0, 0.5), setCell(3_000_002, 0, 0.5)] });
  t.match(gap.body.errors, [{ path: '/updates/1/counter' }]);

  const restarted = await withApi(t, backing);
  const known = await restarted.request('/api/fields/counters/updates', {
    token,
    body: { updates: [setCell(3_000_000, 0, 0.5)] },
  });
  t.equal(known.status, 202, 'the last counter is read from PostgreSQL');
});

t.test('updates are refused with Retry-After while the backlog is full, and reads are still served', async (t) => {
  const separate = await withBacking(t);
  const full = await withApi(t, separate, { MAX_BACKLOG: '3' });
  const idleToken = await full.createToken();
  const response = await waitUntil('the backlog is full', async () => {
    const refused = await full.request('/api/fields/global/updates', {
      token: idleToken,
      body: { updates: [setCell(1, 0, 0.5)] },
    });
    return refused.status === 503 && refused;
  });
  t.match(problemOf(response), { code: 'overloaded', detail: /queued/ });
  t.ok(Number(response.headers.get('retry-after')) >= 1);
  t.equal((await full.request('/api/fields/global', { token: idleToken })).status, 200);
});
