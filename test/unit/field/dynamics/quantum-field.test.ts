import t from 'tap';
import { event, put, remove, setCell, vector } from '../support/changes.ts';
import { allCloseTo, closeTo } from '../support/close-to.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { createCoherentField, createSoloField, idleStep, stillParticle } from '../support/solo-field.ts';

const initial = {
  id: 'primary-field',
  strength: 0.5,
  coherence: 0.3,
  entanglement: 0,
  harmonics: [1, 1.618, 2.414],
  sacredGeometry: false,
  portalStability: 0,
  archaeologicalLayers: 1,
};
const crystal = { resonance: 0.8, velocity: vector(0), connections: ['a', 'b', 'c'] };

t.test('a new field has the primary quantum field', async (t) => {
  t.strictSame(createSoloField().state.quantumFields, [initial]);
});

t.test('a particle update changes strength by a hundredth of L, and coherence by the sign of L', async (t) => {
  const field = createSoloField();
  field.apply(put('p', { velocity: vector(2, 0, 0), resonance: 0.5 }));
  // L = ½ · 4 · 0.5 − 0.5 · sin(1) · 0.5 = 1 − 0.21036774620197413 = 0.78963225379802587
  allCloseTo(t, field.primary, { strength: 0.5078963225379803, coherence: 0.35 });
  field.apply(put('p', { velocity: vector(0) }));
  // L = −0.5078963225379803 · sin(1) · 0.5 = −0.21369000935
  allCloseTo(t, field.primary, { strength: 0.5057594224444, coherence: 0.33 });
});

t.test('an L of exactly 0 lowers coherence', async (t) => {
  const field = createSoloField();
  field.apply(idleStep);
  allCloseTo(t, field.primary, { strength: 0.5, coherence: 0.28 });
});

t.test('L uses the derived values of particles: crystallized ones have half the velocity', async (t) => {
  const field = createSoloField();
  field.apply(put('p', { ...crystal, velocity: vector(0, 4, 0) }));
  // v = 2, r = 0.9: L = ½ · 4 · 0.9 − 0.5 · sin(1) · 0.9 = 1.8 − 0.37866194316
  closeTo(t, field.primary.strength, 0.5 + 0.01 * 1.42133805684, 'strength');
});

t.test('strength and coherence are clamped to [0, 1]', async (t) => {
  const field = createSoloField();
  field.apply(put('p', { velocity: vector(1000), resonance: 1 }));
  t.equal(field.primary.strength, 1);
  for (let step = 0; step < 20; step += 1) field.apply(put('p', { velocity: vector(1000) }));
  t.equal(field.primary.coherence, 1);
  for (let step = 0; step < 60; step += 1) field.apply(put('p', { velocity: vector(0) }));
  t.equal(field.primary.coherence, 0);
  for (let index = 0; index < 300; index += 1) field.apply(stillParticle(`p${index}`, 1));
  t.ok(field.primary.strength >= 0 && field.primary.strength < 0.1, `strength ${field.primary.strength}`);
});

t.test('the primary harmonics are |position| · resonance of the first seven crystallized particles', async (t) => {
  const field = createSoloField();
  field.apply(put('p', { position: vector(3, 4, 0), resonance: 0.8 }));
  t.strictSame(field.primary.harmonics, [1, 1.618, 2.414], 'p is not crystallized');
  field.apply(put('q', { ...crystal, position: vector(0, 0, 2), resonance: 1 }));
  field.apply(put('p', { connections: ['a', 'b', 'c'] }));
  const [first, second, ...rest] = field.primary.harmonics;
  closeTo(t, first, 4.5, 'p was created first and has a derived resonance of 0.9');
  t.strictSame([second, rest], [2, []]);
  for (let index = 1; index < 9; index += 1) {
    field.apply(put(`r${index}`, { ...crystal, position: vector(index), resonance: 1 }));
  }
  t.strictSame(field.primary.harmonics.slice(1), [2, 1, 2, 3, 4, 5], 'there are at most seven');
  field.apply(remove('q'));
  field.apply(put('q', { ...crystal, position: vector(9) }));
  t.strictSame(field.primary.harmonics.slice(1), [1, 2, 3, 4, 5, 6], 'q is now the last in order of creation');
});

t.test('the first harmonic is the phase of L, and a first harmonic of 0 counts as 1', async (t) => {
  const field = createSoloField();
  field.apply(put('p', { ...crystal, position: vector(3, 4, 0) }));
  const before = field.primary.strength;
  field.apply(put('p', { position: vector(0) }));
  // sin(4.5) = −0.97753011767, r = 0.9
  closeTo(t, field.primary.strength, before + 0.01 * 0.97753011767 * 0.9 * before, 'the phase is 4.5');
  t.strictSame(field.primary.harmonics, [0]);
  const after = field.primary.strength;
  field.apply(idleStep);
  closeTo(t, field.primary.strength, after - 0.01 * Math.sin(1) * 0.9 * after, 'the phase is 1');
});

t.test(
  'sacred geometry requires a coherence above 0.8 and more than 7 particles, and makes the portal stable',
  async (t) => {
    const field = createCoherentField();
    t.equal(field.primary.sacredGeometry, false, 'events do not start it');
    field.apply(idleStep);
    allCloseTo(t, field.primary, { coherence: 0.89, strength: 1, portalStability: 0.89 });
    t.strictSame([field.primary.sacredGeometry, field.metrics.room64Active], [true, true]);
    field.apply([remove('p0'), remove('p1')]);
    allCloseTo(t, field.primary, { coherence: 0.85, portalStability: 0.85 * 0.8 });
    t.strictSame([field.primary.sacredGeometry, field.metrics.room64Active], [true, false], '8 particles');
    field.apply(remove('p2'));
    t.match(field.primary, { sacredGeometry: false, portalStability: 0 }, '7 particles');
  },
);

t.test('sacred geometry ends when coherence falls to 0.8', async (t) => {
  const field = createCoherentField();
  for (let coherence = 0.89; coherence > 0.8; coherence -= 0.02) {
    field.apply(idleStep);
    t.equal(field.primary.sacredGeometry, true, `coherence ${field.primary.coherence}`);
  }
  field.apply(idleStep);
  t.match(field.primary, { sacredGeometry: false, portalStability: 0 }, `coherence ${field.primary.coherence}`);
});

t.test('portal stability is limited to 1', async (t) => {
  const field = createCoherentField();
  field.apply(Array.from({ length: 5 }, (_, index) => stillParticle(`more${index}`, 0)));
  field.apply([...Array.from({ length: 5 }, () => event('crystallization')), idleStep]);
  t.equal(field.primary.portalStability, 1);
});

t.test('an update of cells does not change the quantum fields', async (t) => {
  const field = createSoloField();
  field.apply(setCell(1));
  t.strictSame(field.state.quantumFields, [initial]);
});

/** The properties of a particle that the formulas of the contract depend on. */
interface PlainParticle {
  id: string;
  speed: number;
  resonance: number;
  connections: string[];
}

/** An independent implementation of the formulas of the contract. */
function expectedStep(particles: readonly PlainParticle[], field: { strength: number; coherence: number }) {
  let sum = 0;
  let kinetic = 0;
  for (const { speed, resonance, connections } of particles) {
    const isCrystal = resonance > 0.7 && connections.length > 2;
    const r = isCrystal ? Math.min(1, resonance + 0.1) : resonance;
    sum += r;
    kinetic += (isCrystal ? speed / 2 : speed) ** 2 * 0.5 * r;
  }
  // Every position is the origin, so the first harmonic is either the default of 1 or a 0 that counts as 1.
  const lagrangian = kinetic - field.strength * Math.sin(1) * sum;
  const clamp = (value: number) => Math.max(0, Math.min(value, 1));
  const strength = clamp(field.strength + lagrangian / 100);
  const coherence = clamp(field.coherence + (lagrangian > 0 ? 0.05 : -0.02));
  const isSacred = coherence > 0.8 && particles.length > 7;
  return {
    strength,
    coherence,
    portalStability: isSacred ? Math.min(1, coherence * strength * (particles.length / 10)) : 0,
  };
}

t.test(
  'two hundred random particle updates change the field as an independent implementation of the formulas does',
  async (t) => {
    const random = seededRandom(11);
    const field = createSoloField();
    const particles: PlainParticle[] = [];
    const mismatches: unknown[] = [];
    let stable = 0;
    for (let step = 0; step < 200; step += 1) {
      const connections = ['a', 'b', 'c', 'd'].slice(random.below(4));
      const particle = { id: `p${random.below(20)}`, speed: random.next() * 2, resonance: random.next(), connections };
      const index = particles.findIndex(({ id }) => id === particle.id);
      if (index === -1) particles.push(particle);
      else particles[index] = particle;
      const expected = expectedStep(particles, field.primary);
      field.apply(put(particle.id, { ...particle, velocity: vector(0, particle.speed, 0) }));
      const { strength, coherence, portalStability } = field.primary;
      const errors = [strength - expected.strength, coherence - expected.coherence];
      errors.push(portalStability - expected.portalStability);
      if (errors.some((error) => !(Math.abs(error) < 1e-9))) mismatches.push({ step, expected, field: field.primary });
      if (portalStability > 0) stable += 1;
    }
    t.strictSame(mismatches, []);
    t.ok(stable > 20 && stable < 200, `the portal was stable in ${stable} steps`);
  },
);
