import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { deriveVelocity } from '../../../../shared/field/registers/particle.ts';
import { assertProperty } from '../support/arbitraries.ts';
import { put, vector } from '../support/changes.ts';
import { createSoloField } from '../support/solo-field.ts';

const crystal = { velocity: vector(1, -2, 4), connections: ['a', 'b', 'c'] };

t.test('a particle is crystallized if its resonance is above 0.7 and it has more than 2 connections', async (t) => {
  const cases: [number, string[], boolean][] = [
    [0.7, ['a', 'b', 'c'], false],
    [0.7000000001, ['a', 'b', 'c'], true],
    [1, ['a', 'b'], false],
    [1, ['a', 'b', 'c'], true],
    [1, [], false],
    [0, ['a', 'b', 'c', 'd'], false],
  ];
  for (const [resonance, connections, expected] of cases) {
    const field = createSoloField();
    field.apply(put('p', { resonance, connections }));
    t.equal(field.particle('p')?.crystallized, expected, `resonance ${resonance}, ${connections.length} connections`);
  }
});

t.test('a crystallized particle has 0.1 more resonance, at most 1, and half the velocity', async (t) => {
  const field = createSoloField();
  field.apply([put('p', { ...crystal, resonance: 0.75 }), put('q', { ...crystal, resonance: 0.95 })]);
  t.equal(field.particle('p')?.resonance, 0.75 + 0.1);
  t.strictSame(field.particle('p')?.velocity, vector(0.5, -1, 2));
  t.equal(field.particle('q')?.resonance, 1);
});

t.test('crystallization is derived from the registers: it does not accumulate and can end', async (t) => {
  const field = createSoloField();
  for (let repeat = 0; repeat < 5; repeat += 1) field.apply(put('p', { ...crystal, resonance: 0.75 }));
  t.equal(field.particle('p')?.resonance, 0.85);
  field.apply(put('p', { connections: ['a'] }));
  const particle = field.particle('p');
  t.strictSame([particle?.crystallized, particle?.resonance, particle?.velocity], [false, 0.75, vector(1, -2, 4)]);
});

t.test(
  'the default velocity of a particle is derived from its id alone, with each axis in [-0.05, 0.05)',
  async (t) => {
    assertProperty(
      t,
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 128 }), (id) => {
        const velocity = deriveVelocity(id);
        for (const speed of Object.values(velocity)) assert(speed >= -0.05 && speed < 0.05, String(speed));
        assert.deepStrictEqual(deriveVelocity(id), velocity);
      }),
      500,
    );
    const field = createSoloField();
    field.apply(put('star-1'));
    t.strictSame(field.particle('star-1')?.velocity, deriveVelocity('star-1'));
    const other = createSoloField();
    other.apply([put('x'), put('star-1', { resonance: 1 })]);
    t.strictSame(other.particle('star-1')?.velocity, deriveVelocity('star-1'), 'the velocity depends only on the id');
  },
);

t.test('the default velocities of similar ids are distributed evenly over the range of each axis', async (t) => {
  const velocities = Array.from({ length: 4000 }, (_, index) => deriveVelocity(`star-${index}`));
  for (const axis of ['x', 'y', 'z'] as const) {
    const tenths = new Array<number>(10).fill(0);
    for (const velocity of velocities) {
      const tenth = Math.floor((velocity[axis] + 0.05) * 100);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // The expected count is 400, and six standard deviations are about 114.
    t.ok(
      tenths.every((count) => count > 286 && count < 514),
      `${axis}: ${tenths}`,
    );
  }
});

t.test('a new particle without attributes is at 0,0,0 with a resonance of 0.5 and no connections', async (t) => {
  const field = createSoloField();
  field.apply(put('p'));
  t.strictSame(field.particle('p'), {
    id: 'p',
    position: vector(0),
    velocity: deriveVelocity('p'),
    resonance: 0.5,
    crystallized: false,
    connections: [],
    timestamp: 1,
    device: 'solo',
  });
});

t.test('the timestamp of a particle is that of its newest stamp', async (t) => {
  const field = createSoloField();
  field.apply([put('p', { content: 'x' }), put('q'), put('p', { resonance: 1 })]);
  t.equal(field.particle('p')?.timestamp, 3);
  t.equal(field.particle('q')?.timestamp, 2);
});
