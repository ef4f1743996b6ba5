import t, { type Test } from 'tap';
import { summarySchema } from '../../shared/contract/state.ts';
import { presenceSchema } from '../../shared/contract/stream.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { withOneRedis, withRedis } from '../support/servers/servers.ts';
import { asField, putParticle, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openStream, type StreamClient } from './support/stream-client.ts';
import { type TestApi, withApi } from './support/with-app.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);
const other = await withApi(t, backing);

async function openDevice(t: Test, at: TestApi, field: string, device: string, user = device): Promise<StreamClient> {
  const client = await openStream(t, at, { token: await at.createToken({ device, user }), field });
  await client.find('presence');
  return client;
}

/** What a client knows of others after all messages. */
function presenceOf({ messages }: StreamClient) {
  let activeNodes = 0;
  const devices = new Map<string, unknown>();
  for (const message of messages) {
    if (message.type !== 'presence') continue;
    ({ activeNodes } = message);
    if (message.complete) devices.clear();
    for (const gone of message.gone ?? []) devices.delete(gone);
    for (const { device, data } of message.devices) devices.set(device, data);
  }
  return { activeNodes, devices: Object.fromEntries(devices) };
}

async function readPresence(at: TestApi, field: string) {
  const { body } = await at.request(`/api/fields/${field}/presence`, { token: await at.createToken({ device: null }) });
  return presenceSchema.parse(body);
}

t.test('what a device shows reaches the watchers of every process, and the route', async (t) => {
  const [one, two] = [await openDevice(t, api, 'shown', 'one'), await openDevice(t, other, 'shown', 'two', 'ada')];
  const data = { position: { x: 3, y: 4.5 }, name: 'Ada', color: '#ff8800' };
  two.send({ type: 'presence', data });
  for (const client of [one, two]) {
    await waitUntil('it has arrived', () => Object.keys(presenceOf(client).devices).length === 2);
    await waitUntil('it has arrived', () => presenceOf(client).devices.two !== undefined);
    t.same(presenceOf(client), { activeNodes: 2, devices: { one: undefined, two: data } });
  }
  for (const at of [api, other]) {
    const { activeNodes, devices } = await readPresence(at, 'shown');
    t.equal(activeNodes, 2);
    t.match(
      devices.find(({ device }) => device === 'two'),
      { user: 'ada', data },
    );
  }
  const third = await withApi(t, backing);
  t.equal((await readPresence(third, 'shown')).devices.length, 2, 'a process without a watcher');
  const late = await openDevice(t, third, 'shown', 'late');
  t.same(presenceOf(late).devices.two, data);
});

t.test('a device is gone at once when its last socket closes', async (t) => {
  const watcher = await openDevice(t, other, 'left', 'watcher');
  const first = await openDevice(t, api, 'left', 'phone');
  const second = await openDevice(t, api, 'left', 'phone');
  await waitUntil('both are there', () => presenceOf(watcher).activeNodes === 2);
  first.close();
  await waitUntil('the first socket is closed', () => first.closed);
  second.send({ type: 'presence', data: { name: 'still here' } });
  await waitUntil('the phone is still there', () => presenceOf(watcher).devices.phone !== undefined);
  t.equal(presenceOf(watcher).activeNodes, 2);
  second.close();
  await waitUntil('the phone is gone', () => presenceOf(watcher).activeNodes === 1);
  t.same(Object.keys(presenceOf(watcher).devices), ['watcher']);
  t.equal((await readPresence(api, 'left')).activeNodes, 1);
});

t.test('a device that reconnects to another process stays', async (t) => {
  const watcher = await openDevice(t, api, 'moved', 'watcher');
  const before = await openDevice(t, api, 'moved', 'phone');
  const after = await openDevice(t, other, 'moved', 'phone');
  after.send({ type: 'presence', data: { name: 'moved' } });
  await waitUntil('it has arrived', () => presenceOf(watcher).devices.phone !== undefined);
  before.close();
  await waitUntil('the former socket is closed', () => before.closed);
  after.send({ type: 'presence', data: { name: 'stayed' } });
  await waitUntil('it has arrived', () => JSON.stringify(presenceOf(watcher).devices).includes('stayed'));
  t.equal(presenceOf(watcher).activeNodes, 2);
});

t.test('an event stream is counted, and receives presence', async (t) => {
  const watcher = await openDevice(t, api, 'events', 'watcher');
  watcher.send({ type: 'presence', data: { name: 'Ada' } });
  const abort = new AbortController();
  const headers = { authorization: `Bearer ${await other.createToken({ device: 'reader' })}` };
  const response = await fetch(`${other.address}/api/fields/events/events`, { headers, signal: abort.signal });
  let text = '';
  const reading = (async () => {
    for await (const chunk of response.body ?? []) text += new TextDecoder().decode(chunk);
  })().catch(() => undefined);
  await waitUntil('it has arrived', () => /event: presence\ndata: .*"name":"Ada"/.test(text));
  await waitUntil('it is counted', () => presenceOf(watcher).activeNodes === 2);
  abort.abort();
  await reading;
  await waitUntil('it is gone', () => presenceOf(watcher).activeNodes === 1);
});

t.test('presence is neither in the log nor in the state, and has no version', async (t) => {
  const client = await openDevice(t, api, 'ephemeral', 'phone');
  client.send({ type: 'update', updates: [putParticle(1, 'a'), setCell(2, 0, 0.5)] });
  await client.waitForVersion(2);
  client.send({ type: 'presence', data: { name: 'nowhere-else' } });
  await waitUntil('it has arrived', () => presenceOf(client).devices.phone !== undefined);
  const token = await api.createToken();
  const read = (path: string) => api.request(`/api/fields/ephemeral${path}`, { token });
  const state = await read('');
  t.equal(state.body.version, 2);
  t.notOk('activeNodes' in state.body);
  for (const { text } of [state, await read('/updates'), await read('/conflicts'), await read('?view=summary')])
    t.notMatch(text, /nowhere-else/);
  t.equal(summarySchema.parse((await read('?view=summary')).body).activeNodes, 1);
  t.notOk('activeNodes' in (await read('?view=summary&at=1')).body, 'nobody was counted then');
  const tables = ['field_updates', 'consciousness_states', 'field_snapshots'];
  for (const table of tables)
    t.notMatch(JSON.stringify(await backing.db(table).where('field_id', 'ephemeral')), /nowhere/);
});

t.test('invalid presence is refused, and the socket stays open', async (t) => {
  const client = await openDevice(t, api, 'invalid', 'phone');
  const invalid: object[] = [
    {},
    { data: null },
    { data: 'text' },
    { data: [1] },
    { data: { text: 'x'.repeat(1024) } },
    { data: { text: 'ü'.repeat(510) } },
    { data: { position: { x: 1 } } },
    { data: { position: { x: '1', y: 2 } } },
    { data: { position: null } },
    { data: {}, extra: 1 },
  ];
  for (const [index, message] of invalid.entries()) {
    client.send({ type: 'presence', ...message });
    await waitUntil(
      'it was refused',
      () => client.messages.filter(({ type }) => type === 'error').length === index + 1,
    );
  }
  const errors = client.messages.flatMap((message) => (message.type === 'error' ? [message.problem.code] : []));
  t.same(new Set(errors), new Set(['invalid_input']));
  t.equal(presenceOf(client).devices.phone, undefined);
  client.send({ type: 'presence', data: { text: 'x'.repeat(1013) } });
  await waitUntil('what is small enough is accepted', () => presenceOf(client).devices.phone !== undefined);
});

t.test('who may only read is counted, and cannot show anything', async (t) => {
  await openDevice(t, api, 'read-only', 'writer').then((writer) => {
    writer.send({ type: 'update', updates: [setCell(1, 0, 0.5)] });
    return writer.waitForVersion(1);
  });
  const token = await api.createToken({ device: 'reader', scope: ['field:read'] });
  const reader = await openStream(t, api, { token, field: 'read-only' });
  await waitUntil('both are there', () => presenceOf(reader).activeNodes === 2);
  reader.send({ type: 'presence', data: { name: 'Eve' } });
  t.match(await reader.find('error'), { problem: { code: 'forbidden' } });
  const nobody = await openStream(t, api, { token: await api.createToken({ device: null }), field: 'read-only' });
  await waitUntil('a token without a device is counted', () => presenceOf(nobody).activeNodes === 3);
  t.same(Object.keys(presenceOf(nobody).devices).sort(), ['reader', 'writer']);
  nobody.send({ type: 'presence', data: { name: 'Eve' } });
  t.match(await nobody.find('error'), { problem: { code: 'forbidden' } });
});

t.test('a user shows 64 KiB at most in a field', async (t) => {
  const clients: StreamClient[] = [];
  for (let number = 0; number < 66; number += 1)
    clients.push(await openDevice(t, api, 'full', `d-${number}`, 'hoarder'));
  for (const client of clients) client.send({ type: 'presence', data: { text: 'x'.repeat(1000) } });
  const refused = await waitUntil('some were refused', () => {
    const found = clients.filter(({ messages }) => messages.some(({ type }) => type === 'error'));
    return found.length >= 2 && found;
  });
  t.match(await refused[0]?.find('error'), { problem: { code: 'presence_full', status: 429, retryAfter: 5 } });
  const honest = await openDevice(t, api, 'full', 'honest');
  honest.send({ type: 'presence', data: { name: 'Ada' } });
  await waitUntil('another user can show something', () => presenceOf(honest).devices.honest !== undefined);
});

t.test(
  'while the cache is down, a process has its own devices, and all of them when it is back',
  withOneRedis,
  async (t) => {
    const cache = await withRedis(t);
    const alone = await withBacking(t, { CACHE_REDIS_URL: cache.cacheUrl });
    const apis = [await withApi(t, alone), await withApi(t, alone)] as const;
    const [one, two] = [await openDevice(t, apis[0], 'down', 'one'), await openDevice(t, apis[1], 'down', 'two')];
    await waitUntil('both are there', () => presenceOf(one).activeNodes === 2 && presenceOf(two).activeNodes === 2);
    await cache.stop();
    const near = await openDevice(t, apis[0], 'down', 'near');
    one.send({ type: 'presence', data: { name: 'Ada' } });
    await waitUntil('watchers of the same process see it', () => presenceOf(near).devices.one !== undefined);
    const { devices } = await readPresence(apis[0], 'down');
    t.match(
      devices.find(({ device }) => device === 'one'),
      { data: { name: 'Ada' } },
    );
    await cache.start();
    await waitUntil(
      'the other process sees it',
      () => presenceOf(two).activeNodes === 3 && presenceOf(two).devices.one !== undefined,
      { timeoutMs: 30_000 },
    );
  },
);

t.test('the keys of presence expire, and the channel is left with the last watcher', withOneRedis, async (t) => {
  const { keys, cacheRedis } = backing;
  const field = asField('expiring');
  const channel = keys.presenceChannel(field);
  const countSubscribers = async () => {
    const answer = (await cacheRedis.pubsub('NUMSUB', channel)) as unknown;
    return Number(Array.isArray(answer) ? answer[1] : Object.values(answer as object)[0]);
  };
  const client = await openDevice(t, api, 'expiring', 'phone');
  client.send({ type: 'presence', data: { name: 'Ada' } });
  await waitUntil('it was reported', async () => (await cacheRedis.hlen(keys.presenceDataKey(field))) === 2);
  t.equal(await countSubscribers(), 1);
  for (const key of [keys.presenceTimesKey(field), keys.presenceDataKey(field)]) {
    const seconds = await cacheRedis.ttl(key);
    t.ok(seconds > 0 && seconds <= 60, key);
  }
  client.close();
  await waitUntil('the channel has no subscribers', async () => (await countSubscribers()) === 0);
});
