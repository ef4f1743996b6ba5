import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { toFragments } from '../../../shared/cache/state-fragments.ts';
import { serializeState } from '../../../shared/cache/state-serializer.ts';
import { stateSchema } from '../../../shared/contract/state.ts';
import { globalField } from '../../../shared/field/ids.ts';
import { decodeSnapshot, encodeSnapshot, type FieldSnapshot } from '../../../shared/field/snapshot.ts';
import type { FieldState } from '../../../shared/field/state.ts';
import type { Update } from '../../../shared/field/update.ts';
import { anyHistory, assertProperty } from './support/arbitraries.ts';
import { put, remove, sent, vector } from './support/changes.ts';
import {
  asJsonb,
  foldLog,
  type LogEntry,
  renderedText,
  snapshotText,
  throughStorage,
  withKeysReversed,
} from './support/field-log.ts';
import { seededRandom } from './support/seeded-random.ts';

/** Log times mostly increase, sometimes by more than a half-life, and sometimes go back as a server's clock may. */
const gap = fc.oneof(fc.nat({ max: 50 }), fc.constantFrom(-10, 0, 30_000, 60_000, 200_000));

const anyLog: fc.Arbitrary<LogEntry[]> = fc
  .tuple(anyHistory, fc.array(gap, { minLength: 60, maxLength: 60 }), fc.array(fc.nat({ max: 20 }), { minLength: 60 }))
  .map(([updates, gaps, sweeps]) => {
    let time = 1_000_000;
    return updates.map((update, index): LogEntry => {
      time += gaps[index] ?? 0;
      const sweepThrough = index - (sweeps[index] ?? 0);
      return { ...update, time, ...(sweepThrough > 0 && sweepThrough % 3 === 0 ? { sweepThrough } : {}) };
    });
  });

const places = fc.array(fc.nat({ max: 60 }), { maxLength: 12, size: 'max' }).map((drawn) => new Set(drawn));

function assertSame(actual: FieldState, expected: FieldState): void {
  assert.equal(snapshotText(actual), snapshotText(expected));
  assert.deepStrictEqual(renderedText(actual), renderedText(expected));
}

t.test('folding a log with restarts from stored snapshots gives the live state byte for byte', async (t) => {
  assertProperty(
    t,
    fc.property(anyLog, places, (log, restartsBefore) => {
      assertSame(foldLog(log, { restartsBefore }), foldLog(log));
    }),
    500,
  );
});

t.test('folding a log in any batches gives the live state byte for byte', async (t) => {
  assertProperty(
    t,
    fc.property(anyLog, places, (log, batchesBefore) => assertSame(foldLog(log, { batchesBefore }), foldLog(log))),
  );
});

t.test('folding updates that were stored as jsonb gives the live state byte for byte', async (t) => {
  assertProperty(
    t,
    fc.property(anyLog, (log) => {
      const stored = log.map((entry): LogEntry => ({ ...entry, update: asJsonb(entry.update) as Update }));
      assertSame(foldLog(stored), foldLog(log));
    }),
  );
});

t.test('a state is unchanged after it is stored and read back once or twice', async (t) => {
  assertProperty(
    t,
    fc.property(anyLog, (log) => {
      const state = foldLog(log);
      assertSame(throughStorage(state), state);
      assertSame(throughStorage(throughStorage(state)), state);
    }),
  );
});

t.test('the order of keys in a stored state or update has no effect', async (t) => {
  assertProperty(
    t,
    fc.property(anyLog, (log) => {
      const stored = log.map((entry): LogEntry => ({ ...entry, update: withKeysReversed(entry.update) as Update }));
      const live = foldLog(log);
      assertSame(foldLog(stored), live);
      assertSame(decodeSnapshot(globalField, withKeysReversed(encodeSnapshot(live)) as FieldSnapshot), live);
    }),
  );
});

t.test('a state is serialised to the same text for any order of its fragments', async (t) => {
  assertProperty(
    t,
    fc.property(anyLog, fc.nat(), (log, seed) => {
      const state = foldLog(log);
      const random = seededRandom(seed);
      const fragments = toFragments(state);
      const shuffled = { particles: random.shuffle(fragments.particles), cells: random.shuffle(fragments.cells) };
      assert.deepStrictEqual(serializeState({ ...fragments, ...shuffled }), serializeState(fragments));
    }),
  );
});

t.test('the response body for any state matches the schema of a state', async (t) => {
  assertProperty(
    t,
    fc.property(anyLog, (log) => {
      stateSchema.parse(JSON.parse(renderedText(foldLog(log))));
    }),
  );
});

t.test('evictions, recreated particles and the order of creation are preserved by restarts', async (t) => {
  const random = seededRandom(7);
  let counter = 0;
  const log = Array.from({ length: 2600 }, (_, time): LogEntry => {
    counter += 1;
    const id = `particle-${random.below(1300)}`;
    // A tenth of the timestamps are far in the past, so that the newest particles are among the first to be evicted.
    const timestamp = random.chance(0.1) ? counter : 10_000 + counter;
    const connections = ['a', 'b', 'c'].slice(0, random.below(4));
    const attributes = { position: vector(random.next(), random.next()), resonance: random.next(), connections };
    const change = random.chance(0.1) ? remove(id) : put(id, attributes);
    return { ...sent(`d${random.below(3)}`, [counter, timestamp], change), time };
  });
  const live = foldLog(log);
  t.ok(live.dynamics.evictedAt > 0, 'particles were evicted');
  const restartsBefore = new Set(Array.from({ length: 12 }, () => random.below(log.length)));
  const replayed = foldLog(log, { restartsBefore });
  t.equal(snapshotText(replayed), snapshotText(live));
  t.strictSame(renderedText(replayed), renderedText(live));
});

t.test('purging tombstones up to a version keeps the later tombstones', async (t) => {
  const updates = [put('old'), put('new'), remove('old'), remove('new')];
  const log = updates.map((change, index) => ({ ...sent('a', [index + 1, 100 + index], change), time: index }));
  const late = ['old', 'new'].map((id, index) => ({ ...sent('b', [index + 1, 50], put(id)), time: 9 }));
  const ids = (state: FieldState) => [...state.particles.keys()];
  t.strictSame(ids(foldLog([...log, ...late])), [], 'both late puts lose against the tombstones');
  const swept = log.map((entry, index) => (index === 3 ? { ...entry, sweepThrough: 3 } : entry));
  t.strictSame(ids(foldLog([...swept, ...late])), ['old'], 'a put after the purge creates a new particle');
  t.equal(foldLog(swept).dynamics.sweptThrough, 3);
});
