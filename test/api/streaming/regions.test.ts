import t from 'tap';
import type { ServerMessage } from '../../../shared/contract/messages.ts';
import { stateSchema } from '../../../shared/contract/state.ts';
import { versionOf } from '../../../shared/field/cursor.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { readCursorAt } from '../../support/read-back.ts';
import { asCursor, asField, putParticle, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { openStream, type StreamClient } from '../support/stream-client.ts';
import { type TestApi, withApi } from '../support/with-app.ts';

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing);
const other = await withApi(t, backing);
const token = await api.createToken();
const viewer = await api.createToken({ device: 'viewer' });

async function write(field: string, updates: unknown[], { to = api, as = token } = {}): Promise<number> {
  const headers = { prefer: 'wait=20' };
  const answer = await to.request(`/api/fields/${field}/updates`, { token: as, body: { updates }, headers });
  if (answer.status !== 200) throw new Error(`not applied: ${answer.text}`);
  return answer.body.version;
}

const at = (x: number, y: number) => ({ position: { x, y, z: 0 } });
const deltasOf = ({ messages }: StreamClient) =>
  messages.filter((message): message is Extract<ServerMessage, { type: 'delta' }> => message.type === 'delta');
const snapshotsOf = ({ messages }: StreamClient) =>
  messages.filter((message): message is Extract<ServerMessage, { type: 'snapshot' }> => message.type === 'snapshot');

/** The ids of the particles, and the cells, that a client has after all messages. */
function contentOf({ messages }: StreamClient) {
  const particles = new Set<string>();
  let cells: Record<string, number | null> = {};
  for (const message of messages) {
    if (message.type === 'snapshot') {
      particles.clear();
      for (const { id } of message.state.memoryParticles) particles.add(id);
      cells = { ...message.state.cells };
    }
    if (message.type !== 'delta') continue;
    for (const [id, particle] of Object.entries(message.changes.particles)) {
      if (particle) particles.add(id);
      else particles.delete(id);
    }
    cells = { ...cells, ...message.changes.cells };
  }
  return { particles: [...particles].sort(), cells };
}

async function readPart(field: string, region: string, from: TestApi = api) {
  const { body } = await from.request(`/api/fields/${field}?region=${region}`, { token });
  const { memoryParticles, cells } = stateSchema.parse(body);
  return { particles: memoryParticles.map(({ id }) => id).sort(), cells };
}

t.test('a read of a region has the particles and cells inside, and all that belongs to the field', async (t) => {
  await write('read', [
    putParticle(1, 'inside', at(1, 1)),
    putParticle(2, 'upper edge', at(2, 1)),
    putParticle(3, 'lower edge', at(0, 0)),
    setCell(4, 1, 0.5),
    setCell(5, 2, 0.5),
  ]);
  const whole = await api.request('/api/fields/read', { token });
  const part = await api.request('/api/fields/read?region=0,0,2,2', { token });
  const { memoryParticles, cells, ...rest } = stateSchema.parse(part.body);
  t.same(memoryParticles.map(({ id }) => id).sort(), ['inside', 'lower edge']);
  t.same(cells, { '1,0': 0.5 });
  t.same({ ...rest, memoryParticles: [], cells: {} }, { ...whole.body, memoryParticles: [], cells: {} });
  const etag = part.headers.get('etag') ?? '';
  t.equal(etag, whole.headers.get('etag'));
  const unchanged = await api.request('/api/fields/read?region=0,0,2,2', { token, headers: { 'if-none-match': etag } });
  t.equal(unchanged.status, 304);
  const past = await api.request('/api/fields/read?region=0,0,2,2&at=2', { token });
  t.same(
    past.body.memoryParticles.map(({ id }: { id: string }) => id),
    ['inside'],
  );
  t.same(await readPart('read', '-1e3,-.5,2.5,0.5'), { particles: ['lower edge'], cells: { '1,0': 0.5, '2,0': 0.5 } });
});

t.test('an invalid region is refused', async (t) => {
  const invalid = [
    '',
    '1,2,3',
    '0,0,1,1,1',
    '0,0,0,1',
    '1,0,0,1',
    'a,0,1,1',
    '0,0,1e999,1',
    '0,0,0x10,1',
    '0,0,1e300,1',
  ];
  for (const region of invalid) {
    for (const path of ['', '/presence', '/events']) {
      const answer = await api.request(`/api/fields/invalid${path}?region=${region}`, { token });
      t.match(answer, { status: 400, body: { code: 'invalid_input', errors: [{ path: '/query/region' }] } }, region);
    }
  }
  const client = await openStream(t, api, { token, field: 'invalid' });
  const messages = [undefined, 'all', '0,0,1,1', [0, 0, 1, 1], { x0: 0, y0: 0, x1: 0, y1: 1 }, { x0: 0, y0: 0, x1: 1 }];
  for (const [index, region] of messages.entries()) {
    client.send({ type: 'region', region });
    const errors = await waitUntil('it was refused', () => {
      const found = client.messages.flatMap((message) => (message.type === 'error' ? [message.problem] : []));
      return found.length === index + 1 && found;
    });
    t.match(errors.at(-1), { code: 'invalid_input' });
  }
});

t.test('a watcher of a region gets what is in it, what enters and leaves, and nothing else', async (t) => {
  const field = 'watch';
  await write(field, [putParticle(1, 'near', at(1, 1)), putParticle(2, 'far', at(9, 9)), setCell(3, 9, 1)]);
  const client = await openStream(t, other, { token: viewer, field, region: '0,0,5,5' });
  t.match(await client.find('snapshot'), { reason: 'start', state: { memoryParticles: [{ id: 'near' }], cells: {} } });
  await write(field, [putParticle(4, 'far', at(8, 8)), setCell(5, 8, 1)]);
  await write(field, [putParticle(6, 'far', at(4.99, 0)), setCell(7, 4, 1)]);
  await client.waitForVersion(7);
  t.equal(deltasOf(client).length, 1, 'what does not concern it is merged into what does');
  t.match(deltasOf(client)[0], { from: /^3\./, to: /^7\./, updates: [] });
  t.same(contentOf(client), { particles: ['far', 'near'], cells: { '4,0': 1 } });
  await write(field, [putParticle(8, 'near', at(5, 1))]);
  await client.waitForVersion(8);
  t.match(deltasOf(client)[1]?.changes.particles, { near: null });
  t.same(contentOf(client), await readPart(field, '0,0,5,5', other));
  await write(field, [putParticle(9, 'near', at(5, 2))]);
  await waitUntil('an empty delta brings the version', () => client.versions().at(-1) === 9, { timeoutMs: 20_000 });
  t.match(deltasOf(client)[2], { changes: { particles: {}, cells: {}, metrics: {} }, updates: [] });
  t.ok(deltasOf(client).every(({ updates }) => updates.length === 0));
});

t.test('the outcomes of the own device arrive at once, also outside of the region', async (t) => {
  const field = 'own';
  const client = await openStream(t, api, { token: viewer, field, region: '0,0,2,2' });
  await client.find('snapshot');
  client.send({ type: 'update', updates: [setCell(1, 20, 0.5)] });
  await client.find('delta', ({ updates }) =>
    updates.some(({ device, counter }) => device === 'viewer' && counter === 1),
  );
  await write(field, [setCell(1, 21, 0.5), setCell(2, 1, 0.5)]);
  const delta = await client.find('delta', ({ changes }) => '1,0' in changes.cells);
  t.same(delta.updates, []);
  client.send({ type: 'update', updates: [setCell(1, 20, 0.5)] });
  await client.find('delta', ({ updates }) => updates.some(({ outcome }) => outcome === 'duplicate'));
  t.same(contentOf(client).cells, { '1,0': 0.5 });
});

t.test(
  'a new region is answered by a snapshot of all that is in it, and the last one by the whole field',
  async (t) => {
    const field = 'moving';
    await write(field, [putParticle(1, 'left', at(1, 1)), putParticle(2, 'right', at(21, 1)), setCell(3, 20, 1)]);
    const client = await openStream(t, api, { token: viewer, field, region: '0,0,5,5' });
    t.same((await client.find('snapshot')).state.cells, {});
    client.send({ type: 'region', region: { x0: 20, y0: 0, x1: 25, y1: 5 } });
    await waitUntil('the new region has arrived', () => snapshotsOf(client).length === 2);
    t.equal(snapshotsOf(client)[1]?.reason, 'region');
    t.same(contentOf(client), { particles: ['right'], cells: { '20,0': 1 } });
    await write(field, [putParticle(4, 'left', at(22, 1)), putParticle(5, 'right', at(1, 1))]);
    await client.waitForVersion(5);
    t.same(contentOf(client).particles, ['left']);
    client.send({ type: 'region', region: null });
    await waitUntil('the whole field has arrived', () => snapshotsOf(client).length === 3);
    t.equal(snapshotsOf(client)[2]?.reason, 'region');
    t.same(contentOf(client), { particles: ['left', 'right'], cells: { '20,0': 1 } });
    await write(field, [setCell(6, 3, 1)]);
    await client.waitForVersion(6);
    t.match(deltasOf(client).at(-1), { updates: [{ device: 'phone-1', counter: 6 }] }, 'as everybody gets it');
  },
);

t.test('a stream that resumes and asks for the whole field at once gets a snapshot of it', async (t) => {
  const field = 'whole';
  await write(field, [putParticle(1, 'a', at(1, 1)), putParticle(2, 'b', at(9, 9))]);
  const after = await readCursorAt(backing, asField(field), 2);
  const client = await openStream(t, other, { token: viewer, field, after });
  client.send({ type: 'region', region: null });
  t.match(await client.find('snapshot'), { reason: 'region', state: { memoryParticles: [{ id: 'a' }, { id: 'b' }] } });
});

t.test('regions that change all the time end with the last one', async (t) => {
  const field = 'panning';
  await write(
    field,
    Array.from({ length: 30 }, (_, x) => setCell(x + 1, x, 0.5)),
  );
  const client = await openStream(t, api, { token: viewer, field, region: '0,0,1,1' });
  for (let x = 1; x <= 28; x += 1) client.send({ type: 'region', region: { x0: x, y0: 0, x1: x + 2, y1: 1 } });
  await waitUntil('the last region has arrived', () => Object.keys(contentOf(client).cells).join(' ') === '28,0 29,0');
  await write(field, [setCell(31, 28, 1), setCell(32, 5, 1)]);
  await client.waitForVersion(32);
  t.same(contentOf(client).cells, { '28,0': 1, '29,0': 0.5 });
  t.ok(snapshotsOf(client).length < 10, `${snapshotsOf(client).length} snapshots`);
});

t.test('a resume with a region is answered by a snapshot that says whether the cursor is known', async (t) => {
  const field = 'resume';
  await write(field, [putParticle(1, 'a', at(1, 1)), putParticle(2, 'b', at(9, 9)), setCell(3, 1, 0.5)]);
  const current = await readCursorAt(backing, asField(field), 3);
  const earlier = await readCursorAt(backing, asField(field), 1);
  for (const after of [current, earlier]) {
    const client = await openStream(t, api, { token: viewer, field, after, region: '0,0,5,5' });
    t.match(await client.find('snapshot'), {
      cursor: /^3\./,
      reason: 'region',
      state: { memoryParticles: [{ id: 'a' }] },
    });
  }
  const unknown = await openStream(t, api, { token: viewer, field, after: asCursor(3), region: '0,0,5,5' });
  t.match(await unknown.find('snapshot'), { reason: 'unknown-cursor', state: { memoryParticles: [{ id: 'a' }] } });
});

t.test('an event stream watches a region too', async (t) => {
  const field = 'events-region';
  await write(field, [putParticle(1, 'a', at(1, 1)), putParticle(2, 'b', at(9, 9))]);
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const headers = { authorization: `Bearer ${viewer}` };
  const url = `${api.address}/api/fields/${field}/events?region=0,0,5,5`;
  const response = await fetch(url, { headers, signal: abort.signal });
  let text = '';
  void (async () => {
    for await (const chunk of response.body ?? []) text += new TextDecoder().decode(chunk);
  })().catch(() => undefined);
  await waitUntil('the snapshot has arrived', () => text.includes('event: snapshot'));
  await write(field, [putParticle(3, 'b', at(4, 4))]);
  await waitUntil('the particle has entered', () => /event: delta\ndata: .*"particles":\{"b":\{/.test(text));
});

t.test('watchers of regions stay right while many devices write to two processes', async (t) => {
  const field = 'busy';
  const regions = ['0,0,10,10', '5,5,15,15', '0,0,30,30', '12,0,13,30'];
  const clients = await Promise.all(
    regions.map((region, index) => openStream(t, index % 2 ? api : other, { token: viewer, field, region })),
  );
  const devices = await Promise.all(Array.from({ length: 6 }, (_, index) => api.createToken({ device: `w-${index}` })));
  let seed = 7;
  const random = (max: number) => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed % max;
  };
  const sends = devices.map(async (as, index) => {
    for (let counter = 1; counter <= 40; counter += 2) {
      const updates = [
        putParticle(counter, `p-${random(12)}`, at(random(300) / 10, random(300) / 10)),
        setCell(counter + 1, random(30), random(100) / 100),
      ];
      await api.request(`/api/fields/${field}/updates`, { token: as, body: { updates } });
      if (index === 0 && counter % 10 === 1)
        clients[0]?.send({ type: 'region', region: { x0: 0, y0: 0, x1: 10, y1: 10 } });
    }
  });
  await Promise.all(sends);
  await Promise.all(clients.map((client) => client.waitForVersion(240)));
  for (const [index, client] of clients.entries())
    t.same(contentOf(client), await readPart(field, regions[index] ?? ''), `region ${regions[index]}`);
  t.ok(clients.every((client) => versionOf(client.cursorAt(240)) === 240));
});

t.test('of more than 200 devices, a watcher gets those near its region', async (t) => {
  const field = 'crowd';
  const crowd = await Promise.all(
    Array.from({ length: 210 }, async (_, x) => {
      const client = await openStream(t, api, {
        token: await api.createToken({ device: `d-${x}`, user: `u-${x}` }),
        field,
      });
      client.send({ type: 'presence', data: { position: { x, y: 0 } } });
      return client;
    }),
  );
  const watcher = await openStream(t, api, { token: viewer, field, region: '-1,-1,1,1' });
  const listed = () => {
    const devices = new Set<string>();
    for (const message of watcher.messages) {
      if (message.type !== 'presence') continue;
      if (message.complete) devices.clear();
      for (const { device } of message.devices) devices.add(device);
      for (const device of message.gone ?? []) devices.delete(device);
    }
    return devices;
  };
  await waitUntil(
    'the nearest are known',
    () => listed().size === 200 && listed().has('d-0') && !listed().has('d-205'),
  );
  watcher.send({ type: 'region', region: { x0: 208, y0: -1, x1: 210, y1: 1 } });
  await waitUntil('others are nearer', () => listed().size === 200 && listed().has('d-205') && !listed().has('d-0'));
  const { body } = await api.request(`/api/fields/${field}/presence?region=208,-1,210,1`, { token });
  t.equal(body.activeNodes, 211);
  t.equal(body.devices.length, 200);
  t.notOk(body.devices.some(({ device }: { device: string }) => device === 'd-0'));
  t.equal(crowd.length, 210);
});
