import { TRPCClientError } from '@trpc/client';
import t from 'tap';
import { encodeSnapshot } from '../../../shared/field/snapshot.ts';
import { type Backing, withBacking } from '../../support/processes/with-worker.ts';
import { asField } from '../../support/updates.ts';
import { withApi } from '../support/with-app.ts';
import { createOriginalClient } from './original-client.ts';
import { readParticles, statusOf, withLegacy } from './with-legacy.ts';

const world = asField('global');
const countLog = async ({ db }: Backing) => (await db('field_updates').where({ field_id: 'global' })).length;

t.test('an app of the original connects, creates particles, and reads the field', async (t) => {
  const { backing, app } = await withLegacy(t);
  const me = app();
  const { client, nodeId } = me;
  const { consciousness } = client;
  t.match(await consciousness.field.getState.query(), {
    totalParticles: 0,
    globalResonance: 0.5,
    harmonics: [1, 1.618, 2.414],
  });
  const location = { x: 1, y: 2 };
  const connected = await consciousness.realtime.connect.mutate({ nodeId, platform: 'mobile', ...{ location } });
  t.match(connected, { success: true, networkSize: 1, entanglements: [] });

  const updated = await consciousness.field.update.mutate(me.nextUpdate('first', 0.75));
  t.match(updated, {
    success: true,
    particleId: `${connected.connectionId}:1`,
    fieldState: { activeParticles: 1, crystallizedParticles: 0, globalResonance: 0.75, room64Active: false },
    ...{ conflicts: [], version: 1, vectorClock: { [nodeId]: 1 } },
  });
  const connections = ['a', 'b', 'c'];
  const second = await consciousness.field.update.mutate({ ...me.nextUpdate('second', 0.75), connections });
  t.match(second.fieldState, { activeParticles: 2, crystallizedParticles: 1 });
  t.match(await consciousness.realtime.heartbeat.mutate({ nodeId, ...{ resonanceLevel: 0.4 } }), {
    success: true,
    networkSize: 1,
  });
  const state = await consciousness.field.getState.query();
  t.match(state, { totalParticles: 2, crystallizedParticles: 1, activeNodes: 1, archaeologicalLayers: 1 });
  t.same(Object.keys(state).sort(), [
    ...['activeNodes', 'archaeologicalLayers', 'collectiveIntelligence', 'crystallizedParticles', 'fieldStrength'],
    ...['globalResonance', 'harmonics', 'lastUpdate', 'portalStability', 'quantumCoherence', 'room64Active'],
    ...['sacredGeometry', 'totalParticles'],
  ]);
  t.match(await consciousness.sync.getGlobalState.query(), {
    totalParticles: 2,
    quantumFields: [{ id: 'primary-field' }],
  });
  t.match(await consciousness.realtime.getConnections.query(), { activeConnections: 1 });
  const [particle] = await readParticles(backing);
  t.match(particle?.attributes, { position: { value: { x: 1, y: 2.5, z: 0 } }, content: { value: 'first' } });
});

t.test('events, cells and room 64 change the field', async (t) => {
  const { backing, app } = await withLegacy(t);
  const me = app();
  const { nodeId, client } = me;
  const { sync, room64, archaeology, entanglement, field } = client.consciousness;
  const log = async () =>
    (await backing.db('field_updates').where({ field_id: 'global' }).orderBy('version')).map(({ update }) => update);

  t.match(await room64.enter.mutate({ nodeId, sacredPhrase: 'three good words' }), { success: false, error: /closed/ });
  const event = await sync.event.mutate({ type: 'portal', nodeId, data: { stability: 0.95 } });
  t.match(event, { success: true, globalState: { room64Active: true } });
  t.match((await log()).at(-1), { kind: 'event', type: 'portal', intensity: 0.95 });
  await sync.event.mutate({ type: 'harmony', nodeId, data: undefined });

  await t.test('room 64', async (t) => {
    t.match(await room64.enter.mutate({ nodeId, sacredPhrase: 'two words' }), { success: false, error: /recognised/ });
    t.match(await room64.breathe.mutate({ nodeId, inhale: 4000, hold: 7000, exhale: 8000 }), { success: false });
    const entered = await room64.enter.mutate({ nodeId, sacredPhrase: 'three good words' });
    t.match(entered, { success: true, currentState: 'entering', sacredGeometryActive: false });
    t.match(await room64.enter.mutate({ nodeId, sacredPhrase: 'three good words' }), {
      success: false,
      error: /already/,
    });
    const uneven = await room64.breathe.mutate({ nodeId, inhale: 30_000, hold: 0, exhale: 1000 });
    t.match(uneven, { success: true, totalCycles: 1 });
    t.not((await log()).at(-1)?.type, 'harmony', 'a breath without harmony is no event');
    const breath = await room64.breathe.mutate({ nodeId, inhale: 4000, hold: 7000, exhale: 8000 });
    t.match(breath, { success: true, totalCycles: 2 });
    await room64.breathe.mutate({ nodeId, inhale: 4000, hold: 7000, exhale: 8000 });
    t.match((await log()).at(-1), { type: 'harmony' });
    const exits = await Promise.all([1, 2].map(() => room64.exitVoid.mutate({ nodeId })));
    t.same(exits.map(({ success }) => success).sort(), [false, true], 'a doubled request ends the session once');
    t.equal((await log()).filter(({ type }) => type === 'void').length, 1);
    t.match(await field.getState.query(), { room64Active: false });
  });

  await t.test('artifacts are particles, the deeper the older', async (t) => {
    for (const content of ['oldest', 'older', 'newer', 'newest']) await field.update.mutate(me.nextUpdate(content));
    const { artifacts } = await archaeology.excavate.mutate({ nodeId, targetDepth: 20 });
    t.same(
      artifacts.map(({ content }) => content),
      ['newer', 'older', 'oldest'],
    );
    t.match((await log()).at(-1), { type: 'memory' });
    t.match(await archaeology.analyze.query({}), { success: true, summary: { totalArtifacts: 4 } });
    t.match(await archaeology.restore.mutate(), { success: false });
    await entanglement.create.mutate({ nodeA: nodeId, nodeB: 'another' });
    t.match((await log()).at(-1), { type: 'entanglement' });
    t.match(await entanglement.measure.mutate(), { success: false });
  });

  await t.test('cells inside the grid are written, and conflicts are returned', async (t) => {
    const delta = me.nextDelta(3.7, 4, 0.25);
    t.match(await sync.fieldDelta.mutate(delta), { success: true, appliedChanges: 1, conflicts: [] });
    t.match(await sync.fieldDelta.mutate(me.nextDelta(99, 4, 0.25)), { success: true, appliedChanges: 0 });
    const other = app(1);
    const theirs = other.nextDelta(3, 4, 0.75);
    const [change] = theirs.delta.changes;
    if (change) change.timestamp = 1;
    t.match(await other.client.consciousness.sync.fieldDelta.mutate(theirs), {
      appliedChanges: 0,
      conflicts: [{ cell: '3,4', local: 0.25, remote: 0.75, resolution: 'kept_local' }],
    });
    t.equal((await backing.reader.loadState(world))?.cells.get('3,4')?.value, 0.25);
  });
});

t.test('sixteen apps at once lose nothing, and repeated requests double nothing', async (t) => {
  const { backing, app } = await withLegacy(t);
  const [apps, updatesEach] = [Array.from({ length: 16 }, (_, index) => app(index)), 25];
  const contents = await Promise.all(
    apps.map(async (each, index) => {
      const sent: string[] = [];
      for (let number = 0; number < updatesEach; number += 1) {
        const content = `${index}/${number}`;
        const update = each.nextUpdate(content);
        const repeats = number % 5 === 0 ? 3 : 1;
        const answers = await Promise.all(
          Array.from({ length: repeats }, () => each.client.consciousness.field.update.mutate(update)),
        );
        t.ok(answers.every(({ success, particleId }) => success && particleId === answers[0]?.particleId));
        sent.push(content);
      }
      return sent;
    }),
  );
  const particles = await readParticles(backing);
  t.same(particles.map(({ attributes }) => attributes.content?.value).sort(), contents.flat().sort());
  t.equal(await countLog(backing), 16 * updatesEach);
  const { totalParticles, activeNodes } = await app().client.consciousness.field.getState.query();
  t.match({ totalParticles, activeNodes }, { totalParticles: 16 * updatesEach, activeNodes: 16 });
});

t.test('two changes with the same number are two, and a change without a number is written', async (t) => {
  const { backing, app } = await withLegacy(t);
  const me = app();
  const { client } = me;
  const update = me.nextUpdate('one');
  const { field, sync } = client.consciousness;
  const [one, two] = [
    await field.update.mutate(update),
    await field.update.mutate({ ...update, memoryContent: 'two' }),
  ];
  t.not(one.particleId, two.particleId);
  const { vectorClock: _, ...unnumbered } = update;
  for (let count = 0; count < 2; count += 1) await field.update.mutate({ ...unnumbered, memoryContent: 'unnumbered' });
  const contents = (await readParticles(backing)).map(({ attributes }) => attributes.content?.value);
  t.same(contents.sort(), ['one', 'two', 'unnumbered', 'unnumbered']);
  for (let count = 0; count < 2; count += 1) await sync.event.mutate({ type: 'memory', nodeId: me.nodeId, data: {} });
  t.match(await field.getState.query(), { archaeologicalLayers: 3 }, 'events have no number, so that each counts');
});

t.test('nobody learns the name of an app, or writes as an app of another network', async (t) => {
  const { backing, api, app } = await withLegacy(t, { TRUST_PROXY: '127.0.0.0/8' });
  const [victim, thief] = [app(7, { 'x-forwarded-for': '192.0.2.1' }), app(7, { 'x-forwarded-for': '198.51.100.9' })];
  const { nodeId } = victim;
  await victim.client.consciousness.realtime.connect.mutate({ nodeId, platform: 'web' });
  const theirs = await thief.client.consciousness.field.update.mutate(thief.nextUpdate('by the thief'));
  const own = await victim.client.consciousness.field.update.mutate(victim.nextUpdate('by the victim'));
  t.not(own.particleId, theirs.particleId);
  t.not(own.particleId.split(':')[1], theirs.particleId.split(':')[1]);
  t.equal((await readParticles(backing)).length, 2);

  const others = thief.client.consciousness;
  const seen = [
    await others.realtime.getConnections.query(),
    await others.sync.getGlobalState.query(),
    (await api.request('/api/fields/global', { token: await api.createToken() })).text,
    (await api.request('/api/fields/global/presence', { token: await api.createToken() })).text,
    JSON.stringify(encodeSnapshot((await backing.reader.loadState(world)) as never)),
    JSON.stringify(await backing.db('vector_clocks')),
    JSON.stringify(await backing.db('field_updates')),
  ];
  t.notMatch(JSON.stringify(seen), nodeId);
});

t.test('invalid and hostile input is refused, and nothing is said of the inside', async (t) => {
  const { backing, api, app } = await withLegacy(t);
  const me = app();
  const { field, sync } = me.client.consciousness;
  const update = me.nextUpdate('x');
  const bad = [
    { ...update, resonance: 2 },
    { ...update, nodeId: '' },
    { ...update, nodeId: 'x'.repeat(200) },
    { ...update, memoryContent: 'x'.repeat(3000) },
    { ...update, memoryContent: '\u0000' },
    { ...update, position: { x: Number.NaN, y: 1 } },
    { ...update, connections: Array(65).fill('a') },
    { ...update, vectorClock: { [update.nodeId]: 2 ** 53 - 1 } },
  ];
  for (const input of bad) {
    const error = await field.update.mutate(input as typeof update).catch((thrown: unknown) => thrown);
    t.ok(error instanceof TRPCClientError, JSON.stringify(input).slice(0, 100));
    t.match(error, { data: { httpStatus: 400, stack: undefined } });
  }
  await t.rejects(sync.event.mutate({ type: 'unknown' as 'void', nodeId: 'x', data: {} }));

  const post = (body: unknown, path = 'consciousness.field.update') => api.request(`/api/trpc/${path}`, { body });
  for (const body of [
    '{',
    [],
    7,
    null,
    {},
    { json: update, meta: { values: { nodeId: ['regexp'] } } },
    { json: { ...update, resonance: '1'.repeat(100_000) }, meta: { values: { resonance: ['bigint'] } } },
    { json: update, meta: { referentialEqualities: { x: ['y'] } } },
    JSON.stringify({ json: update }).replace('"nodeId"', '"__proto__"'),
    `${'['.repeat(5000)}${']'.repeat(5000)}`,
  ]) {
    const { status, text } = await post(body);
    t.equal(status, 400, text);
    t.notMatch(text, /node_modules|\.ts:/);
  }
  const manyHoles = { ...update, connections: [] };
  const paths = { values: { 'connections.4294967294': ['undefined'] } };
  t.equal((await post({ json: manyHoles, meta: paths })).status, 200, 'no path of an annotation is followed');
  const equalities = { values: {}, referentialEqualities: { 'vectorClock.x': ['connections.4294967294'] } };
  t.equal((await post({ json: { ...me.nextUpdate('y'), connections: [] }, meta: equalities })).status, 200);
  const deep = `{"json":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  t.equal((await post(deep)).status, 400);
  t.equal((await post({ json: { ...update, memoryContent: 'x'.repeat(300_000) } })).status, 413);
  t.match(await post({ json: {} }, 'chat.sendMessage'), { status: 404 });
  t.equal(
    (await post({ 0: { json: update } }, 'consciousness.field.update,consciousness.field.update?batch=1')).status,
    400,
  );
  t.equal(await countLog(backing), 2);
});

t.test('limits are those of all updates, and errors have their status', async (t) => {
  const { api, app } = await withLegacy(t, {
    LIMIT_UPDATES: '6',
    LIMIT_WINDOW_SECONDS: '3600',
    LIMIT_ADDRESS_FACTOR: '1',
  });
  const me = app();
  const statuses: number[] = [];
  for (let count = 0; count < 6; count += 1) {
    const answer = await api.request('/api/trpc/consciousness.field.update', { body: { json: me.nextUpdate('x') } });
    statuses.push(answer.status);
    if (answer.status === 429) {
      t.ok(Number(answer.headers.get('retry-after')) > 0);
      t.match(answer.body, { error: { json: { data: { code: 'TOO_MANY_REQUESTS', httpStatus: 429 } } } });
    }
  }
  t.same([...new Set(statuses)], [200, 429]);
  t.equal(await statusOf(me.client.consciousness.field.update.mutate(me.nextUpdate('y'))), 429);
});

t.test('an outage is an error, and never an empty field', async (t) => {
  const { backing, app } = await withLegacy(t);
  const me = app();
  await me.client.consciousness.field.update.mutate(me.nextUpdate('kept'));
  await backing.redis.stop();
  const state = await me.client.consciousness.field.getState.query().catch((error: unknown) => error);
  if (state instanceof TRPCClientError) t.equal(state.data?.httpStatus, 503);
  else t.match(state, { totalParticles: 1 });
  const { nodeId } = me;
  t.equal(
    await statusOf(me.client.consciousness.room64.breathe.mutate({ nodeId, inhale: 4000, hold: 7000, exhale: 8000 })),
    503,
  );
});

t.test('it is off unless a setting names the field', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing);
  t.equal((await api.request('/api/trpc/consciousness.field.getState')).status, 404);
  await t.rejects(createOriginalClient(api.address).consciousness.field.getState.query());
});
