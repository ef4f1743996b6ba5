import t from 'tap';
import { deviceIdSchema, fieldIdSchema, particleIdSchema } from '../../../shared/contract/ids.ts';
import { validationErrors } from './valid-updates.ts';

const cases = [
  {
    name: 'field',
    schema: fieldIdSchema,
    valid: ['global', 'a', '0', 'team-1', 'a_b-c', 'x'.repeat(64)],
    invalid: ['', '-a', '_a', 'Global', 'a b', 'a.b', 'a/b', 'ä', 'a\n', 'x'.repeat(65), '__proto__', 1, null],
  },
  {
    name: 'device',
    schema: deviceIdSchema,
    valid: ['a', 'Phone-1', '.', '-', '_', ':', 'a.b:c-d_e', 'constructor', 'x'.repeat(64)],
    invalid: ['', 'a b', 'a/b', 'ä', 'a\n', '*', '__proto__', 'x'.repeat(65), 1, null],
  },
  {
    name: 'particle',
    schema: particleIdSchema,
    valid: ['a', ' ', 'star 1', '星', '__proto__', 'x'.repeat(128)],
    invalid: ['', 'x'.repeat(129), '\u0000', '\ud800', 1, null],
  },
];

for (const { name, schema, valid, invalid } of cases) {
  t.test(`a ${name} id must match its pattern exactly`, async (t) => {
    for (const id of valid) t.strictSame(validationErrors(schema, id), [], JSON.stringify(id));
    for (const id of invalid) t.not(validationErrors(schema, id).length, 0, JSON.stringify(id));
  });
}
