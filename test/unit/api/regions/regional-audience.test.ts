import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { RegionalAudience } from '../../../../api/streaming/regional-audience.ts';
import { clipState } from '../../../../api/streaming/regions/clip-state.ts';
import { StreamMessage } from '../../../../api/streaming/stream-message.ts';
import { Subscriber } from '../../../../api/streaming/subscriber.ts';
import { applyDelta, toServerState } from '../../../../client/state/server-state.ts';
import { toFragments } from '../../../../shared/cache/state-fragments.ts';
import { serializeState } from '../../../../shared/cache/state-serializer.ts';
import type { ServerMessage, State } from '../../../../shared/contract/messages.ts';
import { serverMessageSchema } from '../../../../shared/contract/stream.ts';
import type { Cursor } from '../../../../shared/field/cursor.ts';
import type { Region } from '../../../../shared/field/math/region.ts';
import type { FieldState } from '../../../../shared/field/state.ts';
import { line } from '../../../vectors/fold-case.ts';
import { createServerModel } from '../../../vectors/server-model.ts';
import { type Change, event, put, remove, setCells, vector } from '../../field/support/changes.ts';
import { throughStorage } from '../../field/support/field-log.ts';

type DeltaMessage = Extract<ServerMessage, { type: 'delta' }>;

const region = (x0: number, y0: number, x1: number, y1: number): Region => ({ x0, y0, x1, y1 });
const clip = (state: FieldState, part: Region) =>
  JSON.parse(serializeState(clipState(toFragments(state), part)).toString()) as State;

/** A watcher that follows a region from a state on, with the client's own copy of it. */
function createWatcher(part: Region, start: FieldState, device?: string) {
  const received: DeltaMessage[] = [];
  const messages: StreamMessage[] = [];
  const watcher = { received, messages, buffered: 0, copy: toServerState(clip(start, part)) };
  const sink = {
    send(message: StreamMessage) {
      const delta = serverMessageSchema.parse(JSON.parse(message.text.toString()));
      assert(delta.type === 'delta');
      assert.equal(delta.from, watcher.copy.view.cursor, 'a delta starts at the cursor of the watcher');
      watcher.copy = applyDelta(watcher.copy, delta);
      received.push(delta);
      messages.push(message);
    },
    bufferedBytes: () => watcher.buffered,
    close: () => undefined,
  };
  const subscriber = new Subscriber({ sink, after: watcher.copy.view.cursor, region: part, device });
  subscriber.reportCaughtUp();
  return Object.assign(watcher, { part, subscriber });
}

/** A field whose deltas go to the watchers of regions. Time passes only when the test says so. */
function createField() {
  const server = createServerModel('one');
  const audience = new RegionalAudience();
  const counters = new Map<string, number>();
  const deltas: { from: Cursor; to: Cursor; message: StreamMessage }[] = [];
  const clock = { now: 0 };
  return {
    server,
    audience,
    deltas,
    pass(ms: number) {
      clock.now += ms;
      audience.tick(server.cursor, clock.now);
    },
    commit(device: string, ...changes: readonly Change[]) {
      const from = server.cursor;
      const lines = changes.map((change) => {
        const counter = (counters.get(device) ?? 0) + 1;
        counters.set(device, counter);
        return line(device, [counter, 1000 + server.state.version + counter], change, { seen: server.state.version });
      });
      const text = JSON.stringify(server.commit(...lines));
      const delta = { from, to: server.cursor, message: new StreamMessage('delta', Buffer.from(text), server.cursor) };
      deltas.push(delta);
      audience.deliver(delta, clock.now);
    },
    watch(part: Region, device?: string, start = server.state, missed = 0) {
      const watcher = createWatcher(part, start, device);
      audience.add(watcher.subscriber, toFragments(start), missed === 0 ? [] : deltas.slice(-missed), clock.now);
      return watcher;
    },
  };
}

t.test('whatever happens, every watcher has exactly what is in its region', async () => {
  const coordinate = fc.oneof(fc.integer({ min: -2, max: 6 }), fc.double({ min: -2, max: 6, noNaN: true }));
  const anyRegion = fc
    .tuple(coordinate, coordinate, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
    .map(([x, y, width, height]) => region(x, y, x + width / 2, y + height));
  const id = fc.constantFrom('a', 'b', 'c', '"position":{"x":1', 'ü,"');
  const cell = fc.record({ x: fc.nat({ max: 5 }), y: fc.nat({ max: 5 }), value: fc.constantFrom(0, 0.5, 1) });
  const change: fc.Arbitrary<Change> = fc.oneof(
    fc.tuple(id, coordinate, coordinate).map(([particle, x, y]) => put(particle, { position: vector(x, y) })),
    id.map((particle) => put(particle, { content: '"position":{"x":9,"y":9}' })),
    id.map(remove),
    cell.map((each) => setCells(each)),
    fc.constant(event('bloom')),
  );
  const device = fc.constantFrom('one', 'two');
  const step = fc.oneof(
    fc.record({
      type: fc.constant('commit' as const),
      device,
      changes: fc.array(change, { minLength: 1, maxLength: 4 }),
    }),
    fc.record({ type: fc.constant('watch' as const), device, part: anyRegion, missed: fc.nat({ max: 3 }) }),
    fc.record({ type: fc.constant('leave' as const), index: fc.nat() }),
    fc.record({ type: fc.constant('pass' as const), ms: fc.nat({ max: 6000 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const field = createField();
      const watchers: ReturnType<typeof createWatcher>[] = [];
      const states = [throughStorage(field.server.state)];
      for (const each of steps) {
        if (each.type === 'commit') {
          field.commit(each.device, ...each.changes);
          states.push(throughStorage(field.server.state));
        } else if (each.type === 'pass') field.pass(each.ms);
        else if (each.type === 'leave') {
          const [gone] = watchers.splice(each.index % Math.max(1, watchers.length), 1);
          if (gone) field.audience.remove(gone.subscriber);
        } else {
          const missed = Math.min(each.missed, states.length - 1);
          watchers.push(field.watch(each.part, each.device, states.at(-1 - missed), missed));
        }
        for (const { copy, part } of watchers) {
          const { memoryParticles, cells } = clip(field.server.state, part);
          assert.deepEqual(copy.particles, new Map(memoryParticles.map((particle) => [particle.id, particle])));
          assert.deepEqual(copy.view.cells, cells);
        }
      }
      field.pass(5000);
      field.pass(5000);
      for (const { copy, part } of watchers) {
        const expected = clip(field.server.state, part);
        assert.deepEqual({ ...copy.view, memoryParticles: [] }, { ...expected, memoryParticles: [] });
      }
    }),
    { numRuns: 300 },
  );
});

t.test('a particle that leaves is null, and one that comes is whole; nothing is sent of others', async (t) => {
  const field = createField();
  field.commit('one', put('star', { position: vector(1, 1), content: 'text' }), put('far', { position: vector(9, 9) }));
  const { received } = field.watch(region(0, 0, 2, 2));
  field.commit('one', put('far', { position: vector(8, 8) }), setCells({ x: 2, y: 0, value: 1 }));
  t.same(received, []);
  field.commit('one', put('star', { position: vector(2, 1) }));
  t.match(received.pop()?.changes, { particles: { star: null }, cells: {} });
  field.commit('one', put('star', { resonance: 0.9 }), setCells({ x: 1, y: 1, value: 1 }, { x: 2, y: 2, value: 1 }));
  t.same(received.pop()?.changes.cells, { '1,1': 1 });
  field.commit('one', put('star', { position: vector(0, 0) }));
  t.match(received.pop()?.changes.particles, { star: { content: 'text', resonance: 0.9 } });
  field.commit('one', remove('star'));
  t.same(received.pop()?.changes.particles, { star: null });
});

t.test('own outcomes arrive at once, those of others never', async (t) => {
  const field = createField();
  const own = field.watch(region(0, 0, 2, 2), 'phone');
  const other = field.watch(region(0, 0, 2, 2), 'other');
  field.commit('phone', put('far', { position: vector(9, 9) }));
  t.match(own.received, [
    { changes: { particles: {} }, updates: [{ device: 'phone', counter: 1, outcome: 'applied' }] },
  ]);
  t.same(other.received, []);
  field.commit('phone', setCells({ x: 0, y: 0, value: 1 }));
  t.match(own.received[1], { changes: { cells: { '0,0': 1 } }, updates: [{ counter: 2 }] });
  t.match(other.received, [{ changes: { cells: { '0,0': 1 } }, updates: [] }]);
});

t.test('conflicts arrive if they are in the region, or if the device took part', async (t) => {
  const field = createField();
  const inside = field.watch(region(0, 0, 2, 2), 'inside');
  const outside = field.watch(region(5, 5, 6, 6), 'outside');
  const party = field.watch(region(5, 5, 6, 6), 'b');
  const from = field.server.cursor;
  const write = (device: string, value: number) =>
    line(device, [1, 1000], setCells({ x: 1, y: 1, value }), { seen: 0 });
  const text = JSON.stringify(field.server.commit(write('a', 0.25), write('b', 0.75)));
  const message = new StreamMessage('delta', Buffer.from(text), field.server.cursor);
  field.audience.deliver({ from, to: field.server.cursor, message }, 0);
  const conflictsOf = ({ received }: typeof inside) => received.flatMap(({ conflicts = [] }) => conflicts);
  t.match(conflictsOf(inside), [{ cell: '1,1', local: { device: 'a' }, remote: { device: 'b' } }]);
  t.match(conflictsOf(party), [{ cell: '1,1' }]);
  t.match(party.received, [{ changes: { cells: {} }, updates: [{ device: 'b' }] }]);
  t.same(outside.received, []);
});

t.test(
  'metrics are sent once a second at most, and a watcher whom nothing concerns gets an empty delta every 5 s',
  async (t) => {
    const field = createField();
    const busy = field.watch(region(0, 0, 2, 2));
    const quiet = field.watch(region(7, 7, 8, 8));
    for (let ms = 0; ms < 10_000; ms += 100) {
      field.commit('one', put('star', { position: vector(1, 1), resonance: (ms % 1000) / 1000 }));
      field.pass(100);
    }
    t.equal(busy.received.length, 100);
    const withMetrics = busy.received.filter(({ changes }) => changes.metrics);
    t.equal(withMetrics.length, 9);
    t.ok(withMetrics.every(({ changes }) => changes.quantumFields));
    t.equal(quiet.received.length, 2);
    for (const { changes, updates } of quiet.received)
      t.match({ changes, updates }, { changes: { particles: {}, cells: {}, metrics: {} }, updates: [] });
    t.equal(quiet.copy.view.cursor, field.server.cursor);
    field.pass(60_000);
    t.equal(quiet.received.length, 2, 'and nothing while nothing happens');
    t.equal(busy.received.length, 101, 'the last metrics follow');
    t.equal(busy.copy.view.globalResonance, clip(field.server.state, busy.part).globalResonance);
  },
);

t.test('watchers of one region get the same encoded message', async (t) => {
  const field = createField();
  const watchers = [region(0, 0, 2, 2), region(0, 0, 2, 2), region(0, 0, 2, 3)].map((part) => field.watch(part));
  field.commit('one', setCells({ x: 1, y: 1, value: 1 }));
  const [first, second, other] = watchers.map(({ messages }) => messages[0]);
  t.equal(first, second);
  t.not(first, other);
});

t.test('a watcher whose buffer is full is left out from then on', async (t) => {
  const field = createField();
  const [slow, fast] = [field.watch(region(0, 0, 2, 2)), field.watch(region(0, 0, 2, 2))];
  slow.buffered = 2 * 1024 * 1024;
  field.commit('one', setCells({ x: 1, y: 1, value: 1 }));
  slow.buffered = 0;
  field.commit('one', setCells({ x: 1, y: 1, value: 0 }));
  t.same([slow.received.length, fast.received.length], [0, 2]);
  t.equal(slow.subscriber.isFollowing, false);
  t.equal(slow.subscriber.snapshotReason, 'region', 'it needs a snapshot');
});
