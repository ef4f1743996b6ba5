import t from 'tap';
import { createUpdatesSchema } from '../../../shared/contract/update.ts';
import { event, refusals, refusedAt } from './valid-updates.ts';

const schema = createUpdatesSchema(30);
const batch = (...counters: number[]) => counters.map((counter) => ({ ...event, counter }));
const range = (length: number) => Array.from({ length }, (_, index) => index + 1);

t.test('1 to 500 updates are a batch', async (t) => {
  t.strictSame(refusals(schema, batch(1)), []);
  t.strictSame(refusals(schema, batch(...range(500))), []);
  t.equal(refusedAt(schema, []), '');
  t.equal(refusedAt(schema, batch(...range(501))), '');
});

t.test('counters must rise, and may leave gaps', async (t) => {
  t.strictSame(refusals(schema, batch(3, 7, 8, 1_000_000)), []);
  t.equal(refusedAt(schema, batch(1, 2, 2)), '2/counter');
  t.equal(refusedAt(schema, batch(1, 5, 4, 6)), '2/counter');
});

t.test('one bad update refuses the whole batch, and is named by its place', async (t) => {
  t.equal(refusedAt(schema, [...batch(1, 2), { ...event, counter: 3, type: 'nothing' }]), '2/type');
});
