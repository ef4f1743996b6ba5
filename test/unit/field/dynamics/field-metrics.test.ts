import t from 'tap';
import { event, put, remove, setCell } from '../support/changes.ts';
import { allCloseTo, closeTo } from '../support/close-to.ts';
import { createSoloField, startTime, stillParticle } from '../support/solo-field.ts';

t.test('without particles, global resonance is 0.5 and collective intelligence is 0.3', async (t) => {
  const field = createSoloField();
  const empty = { globalResonance: 0.5, collectiveIntelligence: 0.3, room64Active: false };
  t.strictSame(field.metrics, { ...empty, lastUpdate: 0 });
  field.apply([stillParticle('p', 1), remove('p')], 5000);
  t.strictSame(field.metrics, { ...empty, lastUpdate: 5000 }, 'also after the last particle is removed');
});

t.test(
  'global resonance is the mean derived resonance, and intelligence grows with the number of particles',
  async (t) => {
    const field = createSoloField();
    field.apply([stillParticle('p', 0.25), put('q', { resonance: 0.8, connections: ['a', 'b', 'c'] })]);
    // The mean is (0.25 + 0.9) / 2 = 0.575, and the intelligence 0.575 · 2 / 100 = 0.0115.
    allCloseTo(t, field.metrics, { globalResonance: 0.575, collectiveIntelligence: 0.0115 });
  },
);

t.test('a resonance of 0 is not replaced by the default', async (t) => {
  const field = createSoloField();
  field.apply([stillParticle('p', 0), stillParticle('q', 0.5)]);
  t.equal(field.particle('p')?.resonance, 0);
  t.equal(field.metrics.globalResonance, 0.25);
  field.apply(remove('q'));
  t.equal(field.metrics.globalResonance, 0);
  t.equal(field.metrics.collectiveIntelligence, 0);
});

t.test('intelligence is limited to 1, which a hundred particles with a resonance of 1 reach', async (t) => {
  const field = createSoloField();
  for (let index = 0; index < 99; index += 1) field.apply(stillParticle(`p${index}`, 1));
  closeTo(t, field.metrics.collectiveIntelligence, 0.99, '99 particles');
  field.apply([stillParticle('p99', 1), stillParticle('p100', 1)]);
  t.equal(field.metrics.collectiveIntelligence, 1);
});

t.test('resonances are added in order of creation, so that every worker computes the same sum', async (t) => {
  const field = createSoloField();
  field.apply([stillParticle('z', 0.1), stillParticle('b', 0.2), stillParticle('a', 0.3)]);
  t.equal(field.metrics.globalResonance, (0.1 + 0.2 + 0.3) / 3);
  field.apply(put('z', { content: 'an update keeps the order of creation' }));
  t.equal(field.metrics.globalResonance, (0.1 + 0.2 + 0.3) / 3);
  field.apply([remove('z'), stillParticle('z', 0.1)]);
  t.equal(field.metrics.globalResonance, (0.2 + 0.3 + 0.1) / 3, 'a recreated particle is the last');
  t.not((0.1 + 0.2 + 0.3) / 3, (0.2 + 0.3 + 0.1) / 3, 'the two orders have different sums');
});

t.test('boosts are halved every 60 s of log time, whatever kind of update advances it', async (t) => {
  const field = createSoloField();
  field.apply(event('awakening'));
  allCloseTo(t, field.metrics, { globalResonance: 0.7, collectiveIntelligence: 0.45 });
  field.apply(setCell(1), startTime + 60_000);
  allCloseTo(t, field.metrics, { globalResonance: 0.6, collectiveIntelligence: 0.375 });
  field.apply(event('memory'), startTime + 120_000);
  allCloseTo(t, field.metrics, { globalResonance: 0.55, collectiveIntelligence: 0.3375 });
  field.apply(setCell(0), startTime + 150_000);
  allCloseTo(t, field.metrics, {
    globalResonance: 0.5 + 0.2 / 2 ** 2.5,
    collectiveIntelligence: 0.3 + 0.15 / 2 ** 2.5,
  });
});

t.test('a boost is added to the remainder of earlier boosts', async (t) => {
  const field = createSoloField();
  field.apply(event('awakening'));
  field.apply(event('entanglement', 0.1), startTime + 60_000);
  allCloseTo(t, field.metrics, { globalResonance: 0.6, collectiveIntelligence: 0.3 + 0.075 + 0.1 });
  field.apply(setCell(1), startTime + 120_000);
  allCloseTo(t, field.metrics, { globalResonance: 0.55, collectiveIntelligence: 0.3 + 0.0875 });
});

t.test('a log time before the previous one does not change the boosts', async (t) => {
  const field = createSoloField();
  field.apply(event('awakening'));
  field.apply(setCell(1), startTime + 60_000);
  const before = field.metrics;
  field.apply(setCell(0), startTime);
  t.strictSame(field.metrics, before);
});

t.test('metrics are clamped to [0, 1] although boosts may exceed it', async (t) => {
  const field = createSoloField();
  field.apply(Array.from({ length: 6 }, () => event('awakening')));
  t.match(field.metrics, { globalResonance: 1, collectiveIntelligence: 1 });
});
