import t from 'tap';
import { createUpdatesSchema } from '../../../shared/contract/update.ts';
import { event, firstErrorPath, validationErrors } from './valid-updates.ts';

const schema = createUpdatesSchema(30);
const batch = (...counters: number[]) => counters.map((counter) => ({ ...event, counter }));
const range = (length: number) => Array.from({ length }, (_, index) => index + 1);

t.test('a batch contains 1 to 500 updates', async (t) => {
  t.strictSame(validationErrors(schema, batch(1)), []);
  t.strictSame(validationErrors(schema, batch(...range(500))), []);
  t.equal(firstErrorPath(schema, []), '');
  t.equal(firstErrorPath(schema, batch(...range(501))), '');
});

t.test('counters in a batch must increase and may have gaps', async (t) => {
  t.strictSame(validationErrors(schema, batch(3, 7, 8, 1_000_000)), []);
  t.equal(firstErrorPath(schema, batch(1, 2, 2)), '2/counter');
  t.equal(firstErrorPath(schema, batch(1, 5, 4, 6)), '2/counter');
});

t.test('an invalid update makes the whole batch invalid, and the error has its index', async (t) => {
  t.equal(firstErrorPath(schema, [...batch(1, 2), { ...event, counter: 3, type: 'nothing' }]), '2/type');
});
