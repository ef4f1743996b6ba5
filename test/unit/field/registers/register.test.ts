import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import type { DeviceId } from '../../../../shared/field/ids.ts';
import { compareCausally, type Write } from '../../../../shared/field/registers/causality.ts';
import { mergeRegister, type Register } from '../../../../shared/field/registers/register.ts';
import { assertProperty } from '../support/arbitraries.ts';

const device = (name: string) => name as DeviceId;
const write = (name: string, counter: number, timestamp: number, claims: Partial<Write> = {}): Write => ({
  device: device(name),
  counter,
  timestamp,
  seen: 0,
  version: 1,
  ...claims,
});
const registerOf = (value: number, by: Write): Register<number> => mergeRegister(undefined, value, by).register;
const then = (register: Register<number>, value: number, by: Write) => mergeRegister(register, value, by);

t.test('the first write of a register keeps its own stamp', async (t) => {
  const { register, result } = mergeRegister(undefined, 5, write('a', 1, 100, { version: 7 }));
  t.strictSame(register, { value: 5, stamp: { timestamp: 100, device: 'a', counter: 1, version: 7 } });
  t.equal(result, 'written');
});

t.test(
  'a write that has seen the value replaces it and gets a greater stamp, even if its timestamp is lower',
  async (t) => {
    const register = registerOf(1, write('b', 3, 1000, { version: 4 }));
    const stamp = { timestamp: 1001, device: 'a', counter: 1, version: 5 };
    for (const claims of [{ seen: 4 }, { clock: { b: 3 } }, { seen: 4, clock: { b: 2 } }]) {
      const merged = then(register, 2, write('a', 1, 10, { ...claims, version: 5 }));
      t.strictSame(merged, { register: { value: 2, stamp }, result: 'written' }, JSON.stringify(claims));
    }
  },
);

t.test('a write that has seen everything except the value is concurrent with it', async (t) => {
  const earlier = registerOf(1, write('b', 3, 1000, { version: 4 })).stamp;
  t.equal(compareCausally(write('a', 1, 10, { seen: 3, clock: { b: 2, c: 9 } }), earlier), 'concurrent');
});

t.test('writes of one device are ordered by counter, whatever their timestamps and claims are', async (t) => {
  const register = registerOf(1, write('a', 2, 1000));
  t.strictSame(then(register, 9, write('a', 1, 5000, { seen: 99, clock: { a: 99 } })), {
    register,
    result: 'superseded',
  });
  const later = then(register, 9, write('a', 3, 5));
  t.strictSame([later.result, later.register.stamp.timestamp], ['written', 1001]);
});

t.test('of concurrent writes the greater timestamp wins, then the greater device in code units', async (t) => {
  const register = registerOf(1, write('b', 1, 100));
  const cases: [Write, string][] = [
    [write('a', 1, 101), 'won'],
    [write('c', 1, 99), 'lost'],
    [write('c', 1, 100), 'won'],
    [write('a', 1, 100), 'lost'],
    [write('B', 1, 100), 'lost'],
    [write('b1', 1, 100), 'won'],
    [write('_', 99, 100), 'lost'],
  ];
  for (const [by, result] of cases) {
    t.equal(then(register, 2, by).result, result, `${by.device} at ${by.timestamp}`);
  }
});

t.test('equal concurrent values do not conflict, and the greater stamp is kept', async (t) => {
  const register = registerOf(1, write('b', 1, 100));
  t.strictSame(then(register, 1, write('a', 1, 99)), { register, result: 'agreed' });
  const newer = then(register, 1, write('a', 1, 101));
  t.strictSame([newer.result, newer.register.stamp.device], ['agreed', 'a']);
});

const concurrentWrites = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom('a', 'B', 'b', '__proto__', 'constructor', 'z'),
      timestamp: fc.nat({ max: 3 }),
      value: fc.nat({ max: 2 }),
    }),
    { selector: ({ name }) => name, minLength: 1, maxLength: 6 },
  )
  .map((generated) => generated.map(({ name, timestamp, value }) => ({ value, by: write(name, 1, timestamp) })));

type ValueWrite = { readonly value: number; readonly by: Write };
function mergeAll(writes: readonly ValueWrite[]): Register<number> | undefined {
  let register: Register<number> | undefined;
  for (const { value, by } of writes) register = mergeRegister(register, value, by).register;
  return register;
}

t.test('merging concurrent writes of different devices is commutative and idempotent', async (t) => {
  const shuffled = concurrentWrites.chain((writes) =>
    fc.tuple(
      fc.constant(writes),
      fc.shuffledSubarray(writes, { minLength: writes.length }),
      fc.nat({ max: writes.length - 1 }),
    ),
  );
  assertProperty(
    t,
    fc.property(shuffled, ([writes, otherOrder, repeated]) => {
      const register = mergeAll(writes);
      assert.deepStrictEqual(mergeAll(otherOrder), register);
      assert.deepStrictEqual(mergeAll([...otherOrder, ...writes.slice(repeated, repeated + 1)]), register);
    }),
    500,
  );
});
