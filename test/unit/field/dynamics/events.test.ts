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

/** The numbers of a new field that each event changes; all others must stay unchanged. */
const effects: [EventType, number | undefined, Partial<Numbers>][] = [
  ['resonance', undefined, { globalResonance: 0.6 }],
  ['resonance', 0.25, { globalResonance: 0.75 }],
  ['resonance', 0, {}],
  ['crystallization', undefined, { strength: 0.55, coherence: 0.33 }],
  ['entanglement', undefined, { collectiveIntelligence: 0.35, entanglement: 0.05 }],
  ['entanglement', 0.5, { collectiveIntelligence: 0.8, entanglement: 0.5 }],
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
  const intensityText = intensity === undefined ? 'without intensity' : `with intensity ${intensity}`;
  t.test(`an event of type ${type} ${intensityText} changes ${names} of a new field`, async (t) => {
    const field = createSoloField();
    const folded = field.apply(event(type, intensity));
    t.strictSame(folded, { version: 1, outcome: 'applied', conflicts: [] });
    allCloseTo(t, numbersOf(field), { ...initial, ...changed });
  });
}

t.test('the table of effects covers every event type', async (t) => {
  t.strictSame(new Set(effects.map(([type]) => type)), new Set(eventTypes));
});

t.test('a void event reduces the decayed boosts by a fifth and deactivates room 64', async (t) => {
  const field = createSoloField();
  field.apply([event('awakening'), event('portal', 1)]);
  t.equal(field.metrics.room64Active, true);
  field.apply(event('void'), startTime + 60_000);
  allCloseTo(t, field.metrics, { globalResonance: 0.5 + 0.1 * 0.8, collectiveIntelligence: 0.3 + 0.075 * 0.8 });
  t.equal(field.metrics.room64Active, false);
  field.apply(setCell(1), startTime + 120_000);
  allCloseTo(t, field.metrics, { globalResonance: 0.5 + 0.04, collectiveIntelligence: 0.3 + 0.03 });
});

t.test('sacred geometry starts with the eighth harmony event', async (t) => {
  const field = createSoloField();
  for (let count = 1; count <= 8; count += 1) {
    t.equal(field.primary.sacredGeometry, false, `after ${count - 1} events`);
    field.apply(event('harmony'));
  }
  t.equal(field.primary.sacredGeometry, true, 'after 8 events');
  closeTo(t, field.primary.harmonics[0], 1.1 ** 8, 'harmonics');
  field.apply(idleStep);
  t.equal(field.primary.sacredGeometry, false, 'a particle update recomputes it');
  field.apply(event('harmony'));
  t.equal(field.primary.sacredGeometry, true, 'after 9 events');
});

t.test('a harmony event affects the next step, which then recomputes the primary harmonics', async (t) => {
  const field = createSoloField();
  field.apply([{ kind: 'particle.put', id: 'p', resonance: 1, velocity: { x: 0, y: 0, z: 0 } }, event('harmony')]);
  const before = field.primary.strength;
  field.apply(idleStep);
  // The phase is the first harmonic: sin(1.1) = 0.89120736006.
  closeTo(t, field.primary.strength, before - 0.01 * before * 0.89120736006, 'strength');
  t.strictSame(field.primary.harmonics, [1, 1.618, 2.414]);
});

t.test('a bloom raises the numbers of every quantum field to at most 1', async (t) => {
  const field = createCoherentField();
  field.apply([idleStep, event('bloom')]);
  allCloseTo(t, field.primary, { strength: 1, coherence: 0.99, portalStability: 0.94 });
  t.equal(field.metrics.room64Active, true);
  field.apply([event('bloom'), event('bloom')]);
  allCloseTo(t, field.primary, { strength: 1, coherence: 1, portalStability: 1 });
});

t.test('a bloom that makes the portal stable activates room 64', async (t) => {
  const field = createSoloField();
  field.apply(Array.from({ length: 16 }, () => event('bloom')));
  closeTo(t, field.primary.portalStability, 0.8, '16 blooms');
  field.apply(event('bloom'));
  t.equal(field.metrics.room64Active, true, '17 blooms');
});

t.test('a resonance event that raises global resonance above 0.9 triggers a bloom', async (t) => {
  const field = createSoloField();
  field.apply(event('resonance', 0.4));
  t.equal(field.primary.strength, 0.5, '0.9 is not above the threshold');
  field.apply(event('resonance', 0.01));
  closeTo(t, field.primary.strength, 0.6, 'strength');
  closeTo(t, field.metrics.collectiveIntelligence, 0.4, 'intelligence');
  field.apply(setCell(1), startTime + 60_000);
  closeTo(
    t,
    field.metrics.globalResonance,
    0.5 + 0.51 / 2,
    'the boosts of the bloom and of the resonance event are added',
  );
});

t.test('resonance events trigger at most one bloom in 60 s', async (t) => {
  const field = createSoloField();
  field.apply(event('resonance', 0.5));
  closeTo(t, field.primary.strength, 0.6, 'the first event');
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

t.test('a resonance event triggers no bloom if global resonance is above 0.9 already', async (t) => {
  const field = createSoloField();
  field.apply(Array.from({ length: 5 }, () => event('awakening')));
  t.equal(field.metrics.globalResonance, 1);
  field.apply(event('resonance', 0.1));
  t.equal(field.primary.strength, 0.5);
});

t.test('other events that raise global resonance above 0.9 trigger no bloom', async (t) => {
  const field = createSoloField();
  field.apply([event('awakening'), event('awakening'), event('awakening')]);
  t.equal(field.metrics.globalResonance, 1);
  t.equal(field.primary.strength, 0.5);
});
