import t from 'tap';
import { type EventType, eventTypes } from '../../../../shared/field/update.ts';
import { event, setCell } from '../support/changes.ts';
import { allCloseTo, closeTo } from '../support/close-to.ts';
import { createCoherentField, createSoloField, idleStep, startTime } from '../support/solo-field.ts';

const initial = {
  globalResonance: 0.5,
  collectiveIntelligence: 0.3,
  strength: 0.5,
  coherence: 0.3,
  entanglement: 0,
  portalStability: 0,
  archaeologicalLayers: 1,
  firstHarmonic: 1,
  lastHarmonic: 2.414,
  sacredGeometry: 0,
  room64Active: 0,
};
type Numbers = typeof initial;

/** What each event changes of a new field; everything else must stay. */
const effects: [EventType, number | undefined, Partial<Numbers>][] = [
  ['resonance', undefined, { globalResonance: 0.6 }],
  ['resonance', 0.25, { globalResonance: 0.75 }],
  ['resonance', 0, {}],
  ['crystallization', undefined, { strength: 0.55, coherence: 0.33 }],
  ['entanglement', undefined, { collectiveIntelligence: 0.35 }],
  ['entanglement', 0.5, { collectiveIntelligence: 0.8 }],
  ['entanglement', 0, {}],
  ['portal', undefined, {}],
  ['portal', 0.8, {}],
  ['portal', 0.81, { room64Active: 1 }],
  ['memory', undefined, { archaeologicalLayers: 2 }],
  ['harmony', undefined, { firstHarmonic: 1.1, lastHarmonic: 2.6554 }],
  ['void', undefined, {}],
  ['awakening', undefined, { globalResonance: 0.7, collectiveIntelligence: 0.45 }],
  [
    'bloom',
    undefined,
    { globalResonance: 0.6, collectiveIntelligence: 0.4, strength: 0.6, coherence: 0.4, portalStability: 0.05 },
  ],
];

function numbersOf({ metrics, primary }: ReturnType<typeof createSoloField>): Numbers {
  return {
    ...metrics,
    ...primary,
    firstHarmonic: primary.harmonics[0] ?? 0,
    lastHarmonic: primary.harmonics[2] ?? 0,
    sacredGeometry: Number(primary.sacredGeometry),
    room64Active: Number(metrics.room64Active),
  };
}

for (const [type, intensity, changed] of effects) {
  const names = Object.keys(changed).join(', ') || 'nothing';
  const strength = intensity === undefined ? 'without intensity' : `of ${intensity}`;
  t.test(`an event of ${type} ${strength} moves ${names} of a new field`, async (t) => {
    const field = createSoloField();
    const folded = field.apply(event(type, intensity));
    t.strictSame(folded, { version: 1, outcome: 'applied', conflicts: [] });
    allCloseTo(t, numbersOf(field), { ...initial, ...changed });
  });
}

t.test('every type of event has been tried above', async (t) => {
  t.strictSame(new Set(effects.map(([type]) => type)), new Set(eventTypes));
});

t.test('a void takes a fifth of the decayed boosts and closes room 64', async (t) => {
  const field = createSoloField();
  field.apply([event('awakening'), event('portal', 1)]);
  t.equal(field.metrics.room64Active, true);
  field.apply(event('void'), startTime + 60_000);
  allCloseTo(t, field.metrics, { globalResonance: 0.5 + 0.1 * 0.8, collectiveIntelligence: 0.3 + 0.075 * 0.8 });
  t.equal(field.metrics.room64Active, false);
  field.apply(setCell(1), startTime + 120_000);
  allCloseTo(t, field.metrics, { globalResonance: 0.5 + 0.04, collectiveIntelligence: 0.3 + 0.03 });
});

t.test('the eighth harmony and later ones turn sacred geometry on', async (t) => {
  const field = createSoloField();
  for (let count = 1; count <= 8; count += 1) {
    t.equal(field.primary.sacredGeometry, false, `after ${count - 1}`);
    field.apply(event('harmony'));
  }
  t.equal(field.primary.sacredGeometry, true, 'after 8');
  closeTo(t, field.primary.harmonics[0], 1.1 ** 8, 'harmonics');
  field.apply(idleStep);
  t.equal(field.primary.sacredGeometry, false, 'a particle update works it out anew');
  field.apply(event('harmony'));
  t.equal(field.primary.sacredGeometry, true, 'after 9');
});

t.test('a harmony sounds in the next step, which then sets the primary harmonics again', async (t) => {
  const field = createSoloField();
  field.apply([{ kind: 'particle.put', id: 'p', resonance: 1, velocity: { x: 0, y: 0, z: 0 } }, event('harmony')]);
  const before = field.primary.strength;
  field.apply(idleStep);
  // sin(1.1) = 0.89120736006
  closeTo(t, field.primary.strength, before - 0.01 * before * 0.89120736006, 'strength');
  t.strictSame(field.primary.harmonics, [1, 1.618, 2.414]);
});

t.test('a bloom lifts every quantum field, at most to 1', async (t) => {
  const field = createCoherentField();
  field.apply([idleStep, event('bloom')]);
  allCloseTo(t, field.primary, { strength: 1, coherence: 0.99, portalStability: 0.94 });
  t.equal(field.metrics.room64Active, true);
  field.apply([event('bloom'), event('bloom')]);
  allCloseTo(t, field.primary, { strength: 1, coherence: 1, portalStability: 1 });
});

t.test('a bloom that makes the portal stable opens room 64', async (t) => {
  const field = createSoloField();
  field.apply(Array.from({ length: 16 }, () => event('bloom')));
  closeTo(t, field.primary.portalStability, 0.8, '16 blooms');
  field.apply(event('bloom'));
  t.equal(field.metrics.room64Active, true, '17 blooms');
});

t.test('a resonance event that lifts global resonance above 0.9 is also a bloom', async (t) => {
  const field = createSoloField();
  field.apply(event('resonance', 0.4));
  t.equal(field.primary.strength, 0.5, '0.9 is not above');
  field.apply(event('resonance', 0.01));
  closeTo(t, field.primary.strength, 0.6, 'strength');
  closeTo(t, field.metrics.collectiveIntelligence, 0.4, 'intelligence');
  field.apply(setCell(1), startTime + 60_000);
  closeTo(t, field.metrics.globalResonance, 0.5 + 0.51 / 2, 'the bloom adds its own boost to that of the resonance');
});

t.test('resonance events make one bloom in 60 s, however often they lift global resonance above 0.9', async (t) => {
  const field = createSoloField();
  field.apply(event('resonance', 0.5));
  closeTo(t, field.primary.strength, 0.6, 'the first');
  for (const [later, strength] of [
    [59_999, 0.6],
    [60_001, 0.6],
    [180_000, 0.7],
    [239_999, 0.7],
    [420_000, 0.8],
  ] as const) {
    field.apply(event('resonance', 0.5), startTime + later);
    closeTo(t, field.primary.strength, strength, `${later} ms later`);
  }
});

t.test('a resonance event that finds global resonance above 0.9 lifts nothing over it', async (t) => {
  const field = createSoloField();
  field.apply(Array.from({ length: 5 }, () => event('awakening')));
  t.equal(field.metrics.globalResonance, 1);
  field.apply(event('resonance', 0.1));
  t.equal(field.primary.strength, 0.5);
});

t.test('other events and particles that lift global resonance make no bloom', async (t) => {
  const field = createSoloField();
  field.apply([event('awakening'), event('awakening'), event('awakening')]);
  t.equal(field.metrics.globalResonance, 1);
  t.equal(field.primary.strength, 0.5);
});
