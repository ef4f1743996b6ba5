import t from 'tap';
import { event, put, remove, setCell } from '../support/changes.ts';
import { closeTo } from '../support/close-to.ts';
import { createSoloField, startTime } from '../support/solo-field.ts';

t.test('entanglement is the share of particles with a connection that both of its particles declare', async (t) => {
  const field = createSoloField();
  const changes = [
    [put('a', { connections: ['b', 'c'] }), 0, 'b does not exist'],
    [put('b'), 0, 'b does not declare a'],
    [put('b', { connections: ['x', 'a'] }), 1, 'a and b'],
    [put('c', { connections: ['b'] }), 2 / 3, 'c declares b only, which does not declare c'],
    [put('d', { connections: ['d', 'd'] }), 2 / 4, 'a connection to itself does not count'],
    [put('c', { connections: ['a', 'a'] }), 3 / 4, 'a and c'],
    [put('a', { connections: ['c'] }), 2 / 4, 'a does not declare b any more'],
    [remove('d'), 2 / 3, 'fewer particles'],
    [remove('c'), 0, 'the connection of a and c is gone'],
    [put('c'), 0, 'a particle that is put again has no connections'],
  ] as const;
  for (const [change, expected, message] of changes) {
    field.apply(change);
    closeTo(t, field.primary.entanglement, expected, message);
  }
});

t.test('an entanglement event adds its intensity, which halves every 60 s of log time', async (t) => {
  const field = createSoloField();
  field.apply([put('a', { connections: ['b'] }), put('b', { connections: ['a'] }), put('c'), put('d')]);
  field.apply(event('entanglement', 0.4));
  closeTo(t, field.primary.entanglement, 0.9, 'half of the particles, and the boost');
  field.apply(put('c'), startTime + 60_000);
  closeTo(t, field.primary.entanglement, 0.7, 'an update of a particle one half-life later');
  field.apply(event('memory'), startTime + 120_000);
  closeTo(t, field.primary.entanglement, 0.6, 'any event another half-life later');
  field.apply(event('void'), startTime + 120_000);
  closeTo(t, field.primary.entanglement, 0.5 + 0.1 * 0.8, 'a void event reduces the boost by a fifth');
  field.apply([event('entanglement', 1), event('entanglement', 1)], startTime + 120_000);
  t.equal(field.primary.entanglement, 1, 'at most 1');
});

t.test('an update of cells leaves the quantum fields and their entanglement as they are', async (t) => {
  const field = createSoloField();
  field.apply(event('entanglement', 0.4));
  const before = field.state.quantumFields;
  field.apply(setCell(1), startTime + 60_000);
  t.equal(field.state.quantumFields, before);
});

t.test('every quantum field of a field has its entanglement', async (t) => {
  const field = createSoloField();
  field.state.quantumFields = [field.primary, { ...field.primary, id: 'second' }];
  field.apply(event('entanglement', 0.25));
  t.strictSame(
    field.state.quantumFields.map(({ entanglement }) => entanglement),
    [0.25, 0.25],
  );
  field.apply([put('a', { connections: ['b'] }), put('b', { connections: ['a'] })]);
  t.strictSame(
    field.state.quantumFields.map(({ entanglement }) => entanglement),
    [1, 1],
  );
});
