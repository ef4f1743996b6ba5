import t, { type Test } from 'tap';
import { stateSchema } from '../../../../shared/contract/state.ts';
import { encodeSnapshot } from '../../../../shared/field/snapshot.ts';
import { event, put, vector } from '../support/changes.ts';
import { renderedText } from '../support/field-log.ts';
import { createSoloField, type SoloField } from '../support/solo-field.ts';

function assertFinite(t: Test, { state }: SoloField): void {
  const notFinite: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value === 'number' && !Number.isFinite(value)) notFinite.push(`${path}: ${value}`);
    if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) visit(item, `${path}/${key}`);
    }
  };
  visit(encodeSnapshot(state), '');
  t.strictSame(notFinite, []);
  t.doesNotThrow(() => stateSchema.parse(JSON.parse(renderedText(state))));
}

t.test('every number stays finite with a thousand particles of extreme positions and velocities', async (t) => {
  const field = createSoloField();
  const far = 1.7e308;
  for (let index = 0; index < 1000; index += 1) {
    const sign = index % 2 === 0 ? 1 : -1;
    const connections = index % 3 === 0 ? ['a', 'b', 'c'] : [];
    const resonance = [1, 0.5, 0][index % 3];
    const attributes = { position: vector(far * sign, -far, far), velocity: vector(far, far, far * sign) };
    field.apply(put(`p${index}`, { ...attributes, resonance, connections }));
  }
  assertFinite(t, field);
  field.apply(Array.from({ length: 40 }, () => [event('harmony'), event('bloom'), event('resonance', 1)]).flat());
  assertFinite(t, field);
  field.apply(put('p0', { position: vector(-far, -far, -far) }));
  assertFinite(t, field);
});

t.test('harmonics stay finite after thousands of harmony events', async (t) => {
  const field = createSoloField();
  field.apply(Array.from({ length: 8000 }, () => event('harmony')));
  assertFinite(t, field);
  t.equal(field.primary.harmonics[0], Number.MAX_VALUE);
  field.apply(put('p', { resonance: 1 }));
  assertFinite(t, field);
});

t.test('every number stays finite with the smallest positive numbers and negative zero', async (t) => {
  const field = createSoloField();
  const tiny = Number.MIN_VALUE;
  field.apply(put('p', { position: vector(tiny, -tiny, -0), velocity: vector(-0, tiny, -tiny), resonance: tiny }));
  field.apply(put('q', { position: vector(-0), resonance: 0.8, connections: ['a', 'b', 'c'] }));
  assertFinite(t, field);
});

t.test('a particle with a resonance of 0 adds nothing to the strength, whatever its velocity', async (t) => {
  const field = createSoloField();
  field.apply(put('p', { velocity: vector(1.7e308, 1.7e308, 1.7e308), resonance: 0 }));
  t.equal(field.primary.strength, 0.5);
  t.equal(field.particle('p')?.resonance, 0);
});
