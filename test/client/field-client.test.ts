import t from 'tap';
import { type PresenceView, presenceOf } from '../../client/presence/presence-of.ts';
import { predictGauges } from '../../client/state/optimistic-state.ts';
import type { FieldView, OutboxEntry } from '../../client/types.ts';
import { waitUntil } from '../support/wait-until.ts';
import { waitForStatus, waitUntilSynced, withClient, withField } from './with-client.ts';

const api = await withField(t);

t.test('an update of one client arrives at another', async (t) => {
  const field = 'two';
  const [one, other] = [
    await withClient(t, { url: api.address, field }),
    await withClient(t, { url: api.address, field }),
  ];
  await Promise.all([waitForStatus(one, 'live'), waitForStatus(other, 'live')]);
  t.equal(one.transport, 'websocket');
  one.putParticle('star', { position: { x: 1, y: 2 }, resonance: 0.9, connections: ['a', 'b', 'c'] });
  one.setCells([{ x: 3, y: 4, value: 0.25 }]);
  const event = one.emit('resonance', 0.3);
  t.equal((await one.settled(event)).status, 'applied');
  await waitUntil('the other client has the updates', () => other.state.version === 3);
  await waitUntilSynced(one);
  await waitUntil('both clients are counted as active', () =>
    [one, other].every((client) => presenceOf(client).view.activeNodes === 2),
  );
  t.match(other.state, { cells: { '3,4': 0.25 }, memoryParticles: [{ id: 'star', crystallized: true }] });
  t.same(other.state, one.state);
  t.not(one.deviceId, other.deviceId);
});

const toShown = ({ memoryParticles, cells }: FieldView) => ({
  particles: memoryParticles.map(({ timestamp, ...particle }) => particle),
  cells,
});
const toShownWithGauges = (state: FieldView) => ({
  ...toShown(state),
  quantumFields: state.quantumFields,
  globalResonance: state.globalResonance,
});

for (const [field, prediction, toComparable] of [
  ['flicker', undefined, toShown],
  ['flicker-gauges', predictGauges(), toShownWithGauges],
] as const) {
  const what = prediction ? 'with gauges' : 'in particles and cells';
  t.test(`an own edit is shown at once ${what}, and nothing flickers when its result arrives`, async (t) => {
    const client = await withClient(t, { url: api.address, field, ...(prediction && { prediction }) });
    await waitForStatus(client, 'live');
    const states: FieldView[] = [];
    const statuses: OutboxEntry['status'][] = [];
    client.on('state', (state) => states.push(state));
    client.on('update', ({ status }) => statuses.push(status));
    client.putParticle('p', { position: { x: 5, y: 0 }, resonance: 0.8, connections: ['a', 'b', 'c'] });
    t.match(client.state.memoryParticles, [{ id: 'p', position: { x: 5, y: 0, z: 0 }, crystallized: true }]);
    t.equal(client.pending, 1);
    const predicted = client.state;
    await waitUntilSynced(client);
    t.equal(client.state.version, 1);
    for (const state of states) t.same(toComparable(state), toComparable(predicted));
    t.same([...new Set(statuses)].at(-1), 'applied');
  });
}

t.test('edits made before the server is reached arrive in order', async (t) => {
  const field = 'early';
  const client = await withClient(t, { url: api.address, field });
  for (let value = 1; value <= 20; value++) client.setCells([{ x: 0, y: 0, value: value / 20 }]);
  await waitUntilSynced(client);
  t.equal(client.state.cells['0,0'], 1);
  const { updates } = await client.read<{ updates: { update: { counter: number } }[] }>('/updates?after=0');
  t.same(
    updates.map(({ update }) => update.counter),
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
});

t.test('a client without a WebSocket polls', async (t) => {
  const field = 'ways';
  const writer = await withClient(t, { url: api.address, field });
  const poller = await withClient(t, { url: api.address, field, transports: ['polling'] });
  await waitForStatus(poller, 'polling');
  t.equal(poller.transport, 'polling');
  writer.setCells([{ x: 1, y: 1, value: 1 }]);
  await waitUntil('the poller has the update', () => poller.state.cells['1,1'] === 1);
  const own = poller.setCells([{ x: 2, y: 2, value: 1 }]);
  t.equal((await poller.settled(own)).status, 'applied');
  await waitUntil('both clients have the update', () =>
    [writer, poller].every(({ state }) => state.cells['2,2'] === 1),
  );
});

t.test('concurrent edits are a conflict that both clients receive with both values and the winner', async (t) => {
  const field = 'conflict';
  const [one, other] = [
    await withClient(t, { url: api.address, field }),
    await withClient(t, { url: api.address, field }),
  ];
  await Promise.all([waitForStatus(one, 'live'), waitForStatus(other, 'live')]);
  one.setCells([{ x: 0, y: 0, value: 0.1 }]);
  other.setCells([{ x: 0, y: 0, value: 0.9 }]);
  await Promise.all([waitUntilSynced(one), waitUntilSynced(other)]);
  await waitUntil(
    'both clients have received the conflict',
    () => one.conflicts.length === 1 && other.conflicts.length === 1,
  );
  const [conflict] = one.conflicts;
  t.match(conflict, { cell: '0,0', resolution: String, winner: /local|remote/ });
  t.same(new Set([conflict?.own, other.conflicts[0]?.own]), new Set(['local', 'remote']));
  t.same(new Set([conflict?.local.value, conflict?.remote.value]), new Set([0.1, 0.9]));
  const kept = conflict?.winner === 'local' ? conflict.local.value : conflict?.remote.value;
  await waitUntil(
    'both clients show the winner',
    () => one.state.cells['0,0'] === kept && other.state.cells['0,0'] === kept,
  );
});

t.test('presence that is asked for late is complete', async (t) => {
  const field = 'late-presence';
  const one = await withClient(t, { url: api.address, field });
  const other = await withClient(t, { url: api.address, field });
  presenceOf(other).set({ name: 'Bea' });
  await Promise.all([waitForStatus(one, 'live'), waitForStatus(other, 'live')]);
  await waitUntil('the other device is shown', async () => {
    const { devices } = await one.read<PresenceView>('/presence');
    return devices.some(({ data }) => data?.name === 'Bea');
  });
  const late = presenceOf(one);
  t.equal(presenceOf(one), late);
  await waitUntil('it is seen', () => late.view.devices.some(({ data }) => data?.name === 'Bea'));
  t.equal(late.view.activeNodes, 2);
});

t.test('clients see what others show of themselves, also while polling, and who has left', async (t) => {
  const field = 'presence';
  const [one, poller] = [
    await withClient(t, { url: api.address, field }),
    await withClient(t, { url: api.address, field, transports: ['polling'] }),
  ];
  const seen: number[] = [];
  presenceOf(poller).on(({ activeNodes }) => seen.push(activeNodes));
  const ofOne = presenceOf(one);
  const other = await withClient(t, { url: api.address, field });
  presenceOf(other).set({ name: 'Ada', position: { x: 1, y: 2 } });
  for (const client of [one, poller])
    await waitUntil('it has arrived', () => presenceOf(client).view.devices.some(({ data }) => data?.name === 'Ada'));
  const shown = ofOne.view.devices.find(({ device }) => device === other.deviceId);
  t.match(shown, { data: { name: 'Ada', position: { x: 1, y: 2 } } });
  t.notOk('user' in (shown ?? {}), 'a registered device has no other user');
  await other.close();
  t.equal(presenceOf(other).view.activeNodes, 0);
  await waitUntil('it is gone', () => ofOne.view.devices.every(({ device }) => device !== other.deviceId));
  await other.start();
  await waitUntil('it shows the same again', () => ofOne.view.devices.some(({ data }) => data?.name === 'Ada'));
  t.ok(seen.length > 0);
});
