import t from 'tap';
import { deviceIdSchema, fieldIdSchema, particleIdSchema } from '../../../shared/contract/ids.ts';
import { refusals } from './valid-updates.ts';

const cases = [
  {
    name: 'field',
    schema: fieldIdSchema,
    good: ['global', 'a', '0', 'team-1', 'a_b-c', 'x'.repeat(64)],
    bad: ['', '-a', '_a', 'Global', 'a b', 'a.b', 'a/b', 'ä', 'a\n', 'x'.repeat(65), '__proto__', 1, null],
  },
  {
    name: 'device',
    schema: deviceIdSchema,
    good: ['a', 'Phone-1', '.', '-', '_', ':', 'a.b:c-d_e', 'constructor', 'x'.repeat(64)],
    bad: ['', 'a b', 'a/b', 'ä', 'a\n', '*', '__proto__', 'x'.repeat(65), 1, null],
  },
  {
    name: 'particle',
    schema: particleIdSchema,
    good: ['a', ' ', 'star 1', '星', '__proto__', 'x'.repeat(128)],
    bad: ['', 'x'.repeat(129), '\u0000', '\ud800', 1, null],
  },
];

for (const { name, schema, good, bad } of cases) {
  t.test(`the id of a ${name} fits its pattern, to the letter`, async (t) => {
    for (const id of good) t.strictSame(refusals(schema, id), [], JSON.stringify(id));
    for (const id of bad) t.not(refusals(schema, id).length, 0, JSON.stringify(id));
  });
}
