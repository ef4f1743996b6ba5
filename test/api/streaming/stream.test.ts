import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { createCacheKeys } from '../../../shared/cache/cache-keys.ts';
import { toFragments } from '../../../shared/cache/state-fragments.ts';
import { versionOf } from '../../../shared/field/cursor.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { readCursorAt } from '../../support/read-back.ts';
import { withOneRedis } from '../../support/servers/servers.ts';
import { asCursor, asField, putParticle, removeParticle, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { openStream, refusedUpgrade, type StreamClient, streamUrl } from '../support/stream-client.ts';
import { type TestApi, withApi } from '../support/with-app.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);
const other = await withApi(t, backing);
const token = await api.createToken();

async function write(field: string, updates: unknown[], to = api, as = token): Promise<number> {
  const answer = await to.request(`/api/fields/${field}/updates`, {
    token: as,
    body: { updates },
    headers: { prefer: 'wait=20' },
  });
  if (answer.status !== 200) throw new Error(`not applied: ${answer.text}`);
  return answer.body.version;
}

/** The cells that a client has after applying all messages. */
function cellsOf({ messages }: StreamClient): Record<string, number | null> {
  let cells: Record<string, number | null> = {};
  for (const message of messages) {
    if (message.type === 'snapshot') cells = { ...message.state.cells };
    if (message.type === 'delta') cells = { ...cells, ...message.changes.cells };
  }
  return cells;
}

/** Closes the connections on which the APIs subscribe to channels. Returns how many there were. */
async function killSubscribers(): Promise<number> {
  const { cacheRedis } = backing;
  const list = String(await cacheRedis.client('LIST'));
  const ids = list
    .split('\n')
    .filter((line) => line.includes('name=field-subscriber'))
    .map((line) => /^id=(\d+)/.exec(line)?.[1]);
  for (const id of ids) if (id) await cacheRedis.client('KILL', 'ID', id);
  return ids.length;
}

async function countSubscribers(field: string): Promise<number> {
  const answer = (await backing.cacheRedis.pubsub('NUMSUB', backing.keys.fieldChannel(asField(field)))) as unknown;
  return Number(Array.isArray(answer) ? answer[1] : Object.values(answer as object)[0]);
}

/** An API and a worker on the same database that publish to channels which no other API subscribes to. */
async function withIsolatedApi(t: Test): Promise<TestApi> {
  const config = { ...backing.config, QUEUE_PREFIX: 'isolated' };
  const keys = createCacheKeys(config.QUEUE_PREFIX, await backing.reader.readInstallation());
  await withWorker(t, { ...backing, config, keys });
  return withApi(t, backing, { QUEUE_PREFIX: config.QUEUE_PREFIX });
}

t.test('a stream starts with a snapshot and continues with deltas, each from the version of the last', async (t) => {
  await write('order', [putParticle(1, 'a'), setCell(2, 0, 0.1)]);
  const client = await openStream(t, api, { token, field: 'order' });
  const snapshot = await client.find('snapshot');
  t.match(snapshot, {
    cursor: /^2\./,
    reason: 'start',
    state: { version: 2, memoryParticles: [{ id: 'a' }], cells: { '0,0': 0.1 } },
  });
  for (let counter = 3; counter <= 12; counter++) await write('order', [setCell(counter, counter, 0.5)]);
  await client.waitForVersion(12);
  t.same(client.messages.filter(({ type }) => type === 'snapshot').length, 1);
  const delta = await client.find('delta', ({ to }) => versionOf(to) === 12);
  t.match(delta, {
    from: /^11\./,
    changes: { cells: { '12,0': 0.5 } },
    updates: [{ device: 'phone-1', counter: 12, outcome: 'applied', version: 12 }],
  });
});

t.test('a browser authenticates with subprotocols, and the server selects only field.v2', async (t) => {
  const client = await openStream(t, api, { token, field: 'browser', byProtocol: true });
  t.equal(client.socket.protocol, 'field.v2');
  t.match(await client.find('snapshot'), { cursor: /^0\./, state: { memoryParticles: [] } });
  await write('browser', [setCell(1, 0, 0.5)]);
  await client.waitForVersion(1);
});

t.test('an update over a WebSocket is accepted, and a delta carries its outcome', async (t) => {
  const client = await openStream(t, api, { token, field: 'by-socket' });
  await client.find('snapshot');
  client.send({
    type: 'update',
    updates: [setCell(1, 0, 0.5), setCell(2, 1, 0.5, { timestamp: Date.now() + 3_600_000 })],
  });
  t.match(await client.find('accepted'), { counters: [1, 2], durability: 'fsync', adjusted: [2] });
  await client.find('delta', ({ updates }) =>
    updates.some(({ counter, outcome }) => counter === 2 && outcome === 'applied'),
  );
  t.same(cellsOf(client), { '0,0': 0.5, '1,0': 0.5 });
});

t.test('a delta carries the conflicts of its updates, with both values', async (t) => {
  const client = await openStream(t, api, { token, field: 'conflicts' });
  await client.find('snapshot');
  await write('conflicts', [setCell(1, 0, 0.25)]);
  await write('conflicts', [setCell(1, 0, 0.75)], api, await api.createToken({ device: 'phone-2' }));
  const delta = await client.find('delta', ({ conflicts }) => conflicts !== undefined);
  t.match(delta.conflicts, [
    {
      cell: '0,0',
      local: { device: 'phone-1', value: 0.25 },
      remote: { device: 'phone-2', value: 0.75 },
      resolution: 'used_remote',
      version: 2,
    },
  ]);
  t.notOk((await client.find('delta')).conflicts, 'a delta without conflicts has no such key');
});

t.test('subscribers learn of a duplicate and of a reused counter from a delta without changes', async (t) => {
  const client = await openStream(t, api, { token, field: 'outcomes' });
  await write('outcomes', [setCell(1, 0, 0.5)]);
  await client.waitForVersion(1);
  client.send({ type: 'update', updates: [setCell(1, 0, 0.5)] });
  const duplicate = await client.find('delta', ({ updates }) => updates.some(({ outcome }) => outcome === 'duplicate'));
  t.match(duplicate, { from: /^1\./, to: /^1\./, changes: { particles: {}, cells: {} } });
  client.send({ type: 'update', updates: [setCell(1, 0, 0.75)] });
  await client.find('delta', ({ updates }) => updates.some(({ outcome }) => outcome === 'reused'));
});

t.test('a client that resumes at the newest version gets only later updates', async (t) => {
  await write('resume-now', [setCell(1, 0, 0.5)]);
  const after = await readCursorAt(backing, asField('resume-now'), 1);
  const client = await openStream(t, api, { token, field: 'resume-now', after });
  await client.find('presence');
  t.same(client.versions(), []);
  await write('resume-now', [setCell(2, 0, 0.75)]);
  t.match(await client.find('delta'), { from: /^1\./, to: /^2\./ });
});

t.test('a client that resumes at an older version gets one delta with all that it missed', async (t) => {
  await write('resume', [putParticle(1, 'gone'), putParticle(2, 'kept'), setCell(3, 0, 0.1)]);
  await write('resume', [removeParticle(4, 'gone'), putParticle(5, 'kept', { content: 'new' }), setCell(6, 0, 0.2)]);
  await write('resume', [setCell(7, 1, 0.3)]);
  const client = await openStream(t, api, {
    token,
    field: 'resume',
    after: await readCursorAt(backing, asField('resume'), 3),
  });
  const delta = await client.find('delta');
  t.match(delta, {
    from: /^3\./,
    to: /^7\./,
    changes: { particles: { gone: null, kept: { content: 'new' } }, cells: { '0,0': 0.2, '1,0': 0.3 } },
  });
  t.same(
    delta.updates.map(({ version }) => version),
    [4, 5, 6, 7],
  );
  t.notOk(client.messages.some(({ type }) => type === 'snapshot'));
});

t.test('a client that resumes while others are subscribed gets the same deltas as they did', async (t) => {
  const first = await openStream(t, api, { token, field: 'replay' });
  await first.find('snapshot');
  for (let counter = 1; counter <= 4; counter++) await write('replay', [setCell(counter, counter, 0.5)]);
  await first.waitForVersion(4);
  const late = await openStream(t, api, { token, field: 'replay', after: first.cursorAt(1) });
  await late.waitForVersion(4);
  const deltas = ({ messages }: StreamClient) =>
    messages.filter((message) => message.type === 'delta' && versionOf(message.from) >= 1);
  t.same(deltas(late), deltas(first));
});

t.test(
  'resuming at a version that the field has not reached, or that is no longer kept, gives a snapshot',
  async (t) => {
    await write('beyond', [setCell(1, 0, 0.5), setCell(2, 0, 0.6), setCell(3, 0, 0.7)]);
    const ahead = await openStream(t, api, { token, field: 'beyond', after: asCursor(99) });
    t.match(await ahead.find('snapshot'), { cursor: /^3\./, reason: 'unknown-cursor' });
    const elsewhere = await openStream(t, api, { token, field: 'beyond', after: asCursor(2) });
    t.match(await elsewhere.find('snapshot'), { cursor: /^3\./, reason: 'unknown-cursor' });
    ahead.close();
    const first = await readCursorAt(backing, asField('beyond'), 1);
    await backing.db('consciousness_states').where('field_id', 'beyond').update({ log_start: 2 });
    const pruned = await openStream(t, other, { token, field: 'beyond', after: first });
    t.match(await pruned.find('snapshot'), { cursor: /^3\./ });
  },
);

t.test('updates sent to one API process reach the subscribers of another', async (t) => {
  const client = await openStream(t, other, { token, field: 'two' });
  await client.find('snapshot');
  await write('two', [setCell(1, 0, 0.5)]);
  await client.waitForVersion(1);
  client.send({ type: 'update', updates: [setCell(2, 1, 0.5)] });
  await client.waitForVersion(2);
  t.same(cellsOf(client), { '0,0': 0.5, '1,0': 0.5 });
});

t.test('the message after a lost one triggers a gap fill in one delta', async (t) => {
  const isolated = await withIsolatedApi(t);
  const client = await openStream(t, api, { token, field: 'lost' });
  await client.find('snapshot');
  await write('lost', [setCell(1, 0, 0.1)]);
  await client.waitForVersion(1);
  await write('lost', [setCell(2, 1, 0.2), putParticle(3, 'p')], isolated);
  await write('lost', [setCell(4, 2, 0.3)]);
  await client.waitForVersion(4);
  t.same(client.versions(), [0, 1, 4]);
  const gapFill = await client.find('delta', ({ to }) => versionOf(to) === 4);
  t.match(gapFill, { from: /^1\./, changes: { cells: { '1,0': 0.2, '2,0': 0.3 }, particles: { p: { id: 'p' } } } });
  t.same(
    gapFill.updates.map(({ version, counter }) => [version, counter]),
    [
      [2, 2],
      [3, 3],
      [4, 4],
    ],
  );
});

t.test('the gap of a lost message is filled even when no other message follows', async (t) => {
  const isolated = await withIsolatedApi(t);
  const client = await openStream(t, api, { token, field: 'silence' });
  await client.find('snapshot');
  await write('silence', [setCell(1, 0, 0.1)]);
  await client.waitForVersion(1);
  await write('silence', [setCell(2, 1, 0.2)], isolated);
  const state = await backing.reader.loadState(asField('silence'));
  await backing.cacheRedis.del(backing.keys.stateKey(asField('silence')));
  if (state) await backing.cache.fill(await backing.cache.beginFill(state.field), toFragments(state));
  await client.waitForVersion(2);
});

t.test('after a lost connection the channel is subscribed again and the gap is filled', async (t) => {
  const client = await openStream(t, api, { token, field: 'cut' });
  await client.find('snapshot');
  for (let counter = 1; counter <= 5; counter++) {
    await waitUntil('a subscriber connection was closed', async () => (await killSubscribers()) > 0);
    await write('cut', [setCell(counter, counter, 0.5)]);
  }
  await client.waitForVersion(5);
  t.equal(Object.keys(cellsOf(client)).length, 5);
  await waitUntil('the channel is subscribed again', async () => (await countSubscribers('cut')) === 1);
  await write('cut', [setCell(6, 6, 0.5)]);
  await client.waitForVersion(6);
});

t.test('a burst from many devices arrives complete although subscriber connections are closed meanwhile', async (t) => {
  const clients = await Promise.all([api, other].map((one) => openStream(t, one, { token, field: 'burst' })));
  await Promise.all(clients.map((client) => client.find('snapshot')));
  const devices = await Promise.all(Array.from({ length: 8 }, (_, at) => api.createToken({ device: `burst-${at}` })));
  const sends = devices.map(async (device, x) => {
    for (let counter = 1; counter <= 15; counter++) {
      const body = { updates: [setCell(counter, x, counter / 100)] };
      await api.request('/api/fields/burst/updates', { token: device, body });
      if (x === 0 && counter % 5 === 0) await killSubscribers();
    }
  });
  await Promise.all(sends);
  for (const client of clients) {
    await client.waitForVersion(120);
    t.same(cellsOf(client), Object.fromEntries(devices.map((_, x) => [`${x},0`, 0.15])));
  }
});

t.test('a client that missed an eviction of particles gets a snapshot', async (t) => {
  const puts = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => putParticle(from + at, `p-${from + at}`));
  await write('eviction', puts(1, 400));
  await write('eviction', puts(401, 400));
  await write('eviction', puts(801, 201));
  const client = await openStream(t, api, {
    token,
    field: 'eviction',
    after: await readCursorAt(backing, asField('eviction'), 900),
  });
  const { state } = await client.find('snapshot');
  t.equal(state.memoryParticles.length, 800);
});

t.test('an invalid message is answered with an error, and the socket stays open', async (t) => {
  const client = await openStream(t, api, { token, field: 'bad' });
  const cases: [string | object, string][] = [
    ['{', 'bad_request'],
    ['{"type":"ping","__proto__":{}}', 'bad_request'],
    [{ type: 'unknown' }, 'invalid_input'],
    [{ type: 'update', updates: [] }, 'invalid_input'],
    [{ type: 'update', updates: [{ ...setCell(1, 0, 0.5), extra: 1 }] }, 'invalid_input'],
    [{ type: 'update', updates: [setCell(5_000_000, 0, 0.5)] }, 'counter_too_far'],
  ];
  for (const [index, [message, code]] of cases.entries()) {
    client.send(message);
    const errors = await waitUntil('the error has arrived', () => {
      const found = client.messages.flatMap((each) => (each.type === 'error' ? [each.problem.code] : []));
      return found.length === index + 1 && found;
    });
    t.equal(errors.at(-1), code, JSON.stringify(message));
  }
  const numbers = client.messages.flatMap((each) => (each.type === 'error' ? [each.messageNumber] : []));
  t.same(
    numbers,
    cases.map((_, index) => index + 1),
    'each error names its message',
  );
  client.socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
  await waitUntil(
    'the binary message was refused',
    () => client.messages.filter(({ type }) => type === 'error').length === cases.length + 1,
  );
  client.send({ type: 'ping' });
  t.ok((await client.find('pong')).serverTime > 0);
});

t.test('messages sent right after the upgrade are not lost', async (t) => {
  const client = await openStream(t, api, { token, field: 'early' });
  for (let counter = 1; counter <= 20; counter++) client.send({ type: 'update', updates: [setCell(counter, 0, 0.5)] });
  await client.waitForVersion(20);
  const accepted = client.messages.flatMap((message) => (message.type === 'accepted' ? message.counters : []));
  t.same(
    accepted,
    Array.from({ length: 20 }, (_, at) => at + 1),
    'in order',
  );
});

t.test('a flood closes the socket, and so does a message above 1 MiB', async (t) => {
  const flood = await openStream(t, api, { token, field: 'flood' });
  for (let sent = 0; sent < 400; sent++) flood.send({ type: 'ping' });
  await waitUntil('the flooding socket was closed', () => flood.closed);
  t.equal(flood.closed?.code, 1008);
  const large = await openStream(t, api, { token, field: 'flood' });
  large.send({ type: 'token', token: 'x'.repeat(1024 * 1024) });
  await waitUntil('the large message was refused', () => large.closed);
  t.equal(large.closed?.code, 1009);
});

t.test('a token with only field:read receives deltas and cannot send updates', async (t) => {
  const reader = await api.createToken({ device: 'reader', scope: ['field:read'] });
  await write('read-only', [setCell(1, 0, 0.5)]);
  const client = await openStream(t, api, { token: reader, field: 'read-only' });
  await client.find('snapshot');
  client.send({ type: 'update', updates: [setCell(1, 0, 0.75)] });
  t.match(await client.find('error'), { problem: { code: 'forbidden', status: 403 } });
  await write('read-only', [setCell(2, 0, 0.25)]);
  await client.waitForVersion(2);
  t.equal(client.closed, undefined);
});

t.test('an upgrade without the right to read is refused with a problem', async (t) => {
  const url = streamUrl(api, 'refused');
  const bearer = (value: string) => ({ authorization: `Bearer ${value}` });
  t.match(await refusedUpgrade(url, ['field.v2']), { status: 401, body: { code: 'unauthorized' } });
  t.match(await refusedUpgrade(url, ['field.v2', 'bearer.nonsense']), { status: 401, body: { code: 'unauthorized' } });
  const elsewhere = await api.createToken({ fields: ['team-*'] });
  t.match(await refusedUpgrade(url, ['field.v2'], bearer(elsewhere)), { status: 403, body: { code: 'forbidden' } });
  const reader = await api.createToken({ scope: ['field:read'] });
  t.match(await refusedUpgrade(url, ['field.v2'], bearer(reader)), { status: 404, body: { code: 'field_not_found' } });
  t.match(await refusedUpgrade(streamUrl(api, 'REFUSED'), ['field.v2'], bearer(token)), { status: 400 });
  const evil = { ...bearer(token), origin: 'https://evil.example' };
  t.match(await refusedUpgrade(url, ['field.v2'], evil), { status: 403, body: { code: 'forbidden' } });
});

t.test('a browser, which cannot read a refused upgrade, learns the reason from the close code', async (t) => {
  const elsewhere = await api.createToken({ fields: ['team-*'] });
  const expired = await api.createToken({ expiresInSeconds: -60 });
  for (const [value, code, problem] of [
    [elsewhere, 4403, 'forbidden'],
    [expired, 4401, 'token_expired'],
  ] as const) {
    const socket = new WebSocket(streamUrl(api, 'refused'), ['field.v2', `bearer.${value}`]);
    const messages: string[] = [];
    socket.on('message', (data) => messages.push(String(data)));
    const closed = await new Promise((resolve) => socket.on('close', resolve));
    t.equal(closed, code);
    t.match(
      messages.map((text) => JSON.parse(text)),
      [{ type: 'error', problem: { code: problem } }],
    );
  }
});

t.test('an expired token closes the socket with 4401, unless it was renewed in time', async (t) => {
  const short = () => api.createToken({ expiresInSeconds: 2 });
  const expiring = await openStream(t, api, { token: await short(), field: 'expiry' });
  const renewing = await openStream(t, api, { token: await short(), field: 'expiry' });
  renewing.send({ type: 'token', token });
  await waitUntil('the token has expired', () => expiring.closed);
  t.equal(expiring.closed?.code, 4401);
  renewing.send({ type: 'ping' });
  await renewing.find('pong');
  t.equal(renewing.closed, undefined);
});

t.test(
  'renewing with a token of another device, or without the right to the field, closes the socket with 4403',
  async (t) => {
    for (const request of [{ device: 'phone-2' }, { fields: ['team-*'] }]) {
      const client = await openStream(t, api, { token, field: 'renewal' });
      client.send({ type: 'token', token: await api.createToken(request) });
      t.match(await client.find('error'), { problem: { code: 'forbidden' } });
      await waitUntil('the socket was closed', () => client.closed);
      t.equal(client.closed?.code, 4403);
    }
  },
);

t.test('presence counts the devices that connect or write', async (t) => {
  const first = await openStream(t, api, { token, field: 'presence' });
  t.match(await first.find('presence'), { activeNodes: 1 });
  await openStream(t, other, { token: await api.createToken({ device: 'phone-2' }), field: 'presence' });
  await first.find('presence', ({ activeNodes }) => activeNodes === 2);
  await api.request('/api/fields/presence/updates', {
    token: await api.createToken({ device: 'phone-3' }),
    body: { updates: [setCell(1, 0, 0.5)] },
  });
  await first.find('presence', ({ activeNodes }) => activeNodes === 3);
});

t.test('the channel is unsubscribed when the last subscriber has left', withOneRedis, async (t) => {
  const clients = [
    await openStream(t, api, { token, field: 'unsubscribed' }),
    await openStream(t, api, { token, field: 'unsubscribed' }),
  ];
  await Promise.all(clients.map((client) => client.find('snapshot')));
  t.equal(await countSubscribers('unsubscribed'), 1);
  for (const client of clients) client.close();
  await waitUntil('the channel has no subscribers', async () => (await countSubscribers('unsubscribed')) === 0);
});

t.test('a process that stops sends bye to its subscribers and closes their sockets', async (t) => {
  const stopping = await withApi(t, backing);
  const client = await openStream(t, stopping, { token, field: 'restart' });
  await client.find('snapshot');
  const stopped = stopping.stop();
  const bye = await client.find('bye');
  t.equal(bye.reason, 'restart');
  t.ok(bye.retryAfter >= 1);
  await waitUntil('the socket was closed', () => client.closed);
  t.equal(client.closed?.code, 1012);
  await stopped;
});
