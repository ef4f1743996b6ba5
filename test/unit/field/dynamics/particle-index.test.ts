import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { foldUpdate, purgeTombstones } from '../../../../shared/field/fold.ts';
import { globalField } from '../../../../shared/field/ids.ts';
import { emptyChangeSet } from '../../../../shared/field/merge-update.ts';
import { getDerivedParticle, type Particle } from '../../../../shared/field/registers/particle.ts';
import {
  createFieldState,
  type FieldState,
  getParticleColumns,
  getParticleIndex,
  getTombstoneIndex,
} from '../../../../shared/field/state.ts';
import { assertProperty } from '../support/arbitraries.ts';
import { put, remove, type SentUpdate, sent } from '../support/changes.ts';
import { throughStorage } from '../support/field-log.ts';
import { type Random, seededRandom } from '../support/seeded-random.ts';
import { createSoloField } from '../support/solo-field.ts';

/** Counts bytes and connected particles from the particles alone. */
function recountAll(particles: ReadonlyMap<string, Particle>) {
  const declared = [...particles.values()].map(({ id, attributes: { content, connections } }) => ({
    id,
    text: [id, content?.value ?? '', ...(connections?.value ?? [])].join(''),
    targets: new Set(connections?.value ?? []),
  }));
  const isConnected = (a: (typeof declared)[number]) =>
    declared.some((b) => a.id !== b.id && a.targets.has(b.id) && b.targets.has(a.id));
  return {
    bytes: declared.reduce((sum, { text }) => sum + 128 + Buffer.byteLength(text), 0),
    connected: declared.filter(isConnected).length,
  };
}

/** Sums up the particles in order of creation. The sums are equal in every bit, since a replay must be. */
function sumUp(particles: ReadonlyMap<string, Particle>) {
  const derived = [...particles.values()].map((particle) => getDerivedParticle({ ...particle, derived: undefined }));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    count: particles.size,
    resonance: sum(derived.map(({ resonance }) => resonance)),
    kinetic: sum(derived.map(({ kinetic }) => kinetic)),
    crystallized: derived.filter(({ crystallized }) => crystallized).slice(0, 7),
  };
}

const recount = ({ particles, tombstones }: FieldState) => ({
  ...recountAll(particles),
  ...sumUp(particles),
  tombstoneBytes: recountAll(tombstones).bytes,
});

function indexed(state: FieldState) {
  const { bytes, connected } = getParticleIndex(state);
  const columns = getParticleColumns(state);
  const sums = { ...columns.computeTotals(), crystallized: columns.findCrystallized(7) };
  return { bytes, connected, ...sums, tombstoneBytes: getTombstoneIndex(state).bytes };
}

const ids = ['a', 'b', 'c', 'd', 'e', '__proto__'];
const connections = fc.array(fc.constantFrom(...ids, 'ä'), { maxLength: 4 });
const attributes = fc.record(
  { connections, content: fc.constantFrom('', 'x', '漢字😀'), resonance: fc.constantFrom(0, 0.1, 0.7, 1) },
  { requiredKeys: [] },
);
const step = fc.record({
  writer: fc.constantFrom('A', 'B', 'C'),
  timestamp: fc.nat({ max: 20 }),
  seen: fc.constantFrom(0, 5, Number.MAX_SAFE_INTEGER),
  change: fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...ids), attributes).map(([id, values]) => put(id, values)) },
    { weight: 1, arbitrary: fc.constantFrom(...ids).map(remove) },
  ),
});

t.test('after any history, the counts and columns that are kept incrementally are those of a recount', async (t) => {
  assertProperty(
    t,
    fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), fc.nat({ max: 60 }), (steps, restart) => {
      let state = createFieldState(globalField);
      steps.forEach(({ writer, timestamp, seen, change }, index) => {
        if (index === restart) state = throughStorage(state);
        const { device, update } = sent(writer, [index + 1, timestamp], change, { seen });
        foldUpdate(state, device, update, index, emptyChangeSet());
        if (index % 7 === 6) purgeTombstones(state, index - 3);
        assert.deepStrictEqual(indexed(state), recount(state));
      });
    }),
    500,
  );
});

/** Large particles of many devices, so that both limits are exceeded now and then. */
function createLargeUpdate(random: Random, counter: number): SentUpdate {
  const timestamp = random.chance(0.1) ? counter : 10_000 + counter;
  const randomId = () => `particle-${random.below(1400)}`;
  if (random.chance(0.05)) return sent('d', [counter, timestamp], remove(randomId()));
  const isLarge = counter % 4000 > 2000;
  const content = isLarge ? '漢'.repeat(2000) : random.pick(['', 'x', '漢字']);
  const targets = Array.from({ length: random.below(65) }, randomId);
  return sent('d', [counter, timestamp], put(randomId(), { content, connections: targets }));
}

t.test('evictions keep the counts equal to a recount', async (t) => {
  const random = seededRandom(17);
  const state = createFieldState(globalField);
  const evictedFrom: { count: number; bytes: number }[] = [];
  for (let counter = 1; counter <= 8000; counter += 1) {
    const before = { count: state.particles.size, bytes: getParticleIndex(state).bytes };
    const { device, update } = createLargeUpdate(random, counter);
    foldUpdate(state, device, update, counter, emptyChangeSet());
    const isEviction = state.dynamics.evictedAt === state.version;
    if (isEviction) evictedFrom.push(before);
    if (isEviction || counter % 400 === 0) assert.deepStrictEqual(indexed(state), recount(state));
  }
  t.ok(evictedFrom.filter(({ count }) => count === 1000).length > 2, 'because of the number of particles');
  t.ok(evictedFrom.filter(({ count }) => count < 1000).length > 2, 'because of their bytes');
  t.ok(getParticleIndex(state).connected > 0);
});

t.test('the index of a state is built when it is needed, and not when a snapshot is read', async (t) => {
  const field = createSoloField();
  field.apply([put('a', { connections: ['b'] }), put('b', { connections: ['a'] })]);
  const restored = throughStorage(field.state);
  t.equal(restored.particleIndex, undefined);
  t.equal(getParticleIndex(restored).connected, 2);
});
