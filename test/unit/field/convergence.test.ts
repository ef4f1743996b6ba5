import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { anyHistory, assertProperty, deliverySeed, honestHistory } from './support/arbitraries.ts';
import { deliverAll, interleave, repeatSome } from './support/delivery.ts';
import { encodeCausality, type Written } from './support/honest-devices.ts';
import { referenceRegisters, writesOf } from './support/reference-merge.ts';
import { type Registers, registersOf } from './support/registers.ts';
import { seededRandom } from './support/seeded-random.ts';
import { createServer } from './support/server.ts';

t.test(
  'honest updates give the registers of the reference merge in the order in which they were written',
  async (t) => {
    assertProperty(
      t,
      fc.property(honestHistory, (written) => {
        assert.deepStrictEqual(registersOf(deliverAll(written).state), referenceRegisters(written));
      }),
      500,
    );
  },
);

t.test("any interleaving that keeps each device's own order gives the same registers, duplicates or not", async (t) => {
  assertProperty(
    t,
    fc.property(honestHistory, deliverySeed, (written, seed) => {
      const random = seededRandom(seed);
      const server = deliverAll(repeatSome(random, interleave(random, written)));
      assert.equal(server.state.version, written.length);
      assert.deepStrictEqual(registersOf(server.state), referenceRegisters(written));
    }),
    500,
  );
});

t.test("even a device's own updates may come in any order while timestamps are hybrid", async (t) => {
  assertProperty(
    t,
    fc.property(honestHistory, deliverySeed, (written, seed) => {
      const random = seededRandom(seed);
      const server = deliverAll(repeatSome(random, random.shuffle(written)));
      assert.deepStrictEqual(registersOf(server.state), referenceRegisters(written));
    }),
    500,
  );
});

t.test('the merge itself is idempotent: a duplicate that nobody drops leaves the registers as they are', async (t) => {
  assertProperty(
    t,
    fc.property(honestHistory, deliverySeed, (written, seed) => {
      const random = seededRandom(seed);
      const server = createServer({ dropsDuplicates: false });
      for (const update of repeatSome(random, interleave(random, written)))
        server.deliver(encodeCausality(update, server.log));
      assert.deepStrictEqual(registersOf(server.state), referenceRegisters(written));
    }),
  );
});

t.test('a device that tells all it knows has a conflict exactly where it meets an unseen other value', async (t) => {
  assertProperty(
    t,
    fc.property(honestHistory, deliverySeed, (written, seed) => {
      const server = createServer();
      for (const update of interleave(seededRandom(seed), written)) {
        const before = registersOf(server.state);
        const folded = server.deliver(encodeCausality({ ...update, tells: 'clock' }, server.log));
        assert.equal(folded?.outcome, expectedOutcome(update, before));
      }
    }),
    500,
  );
});

t.test('a device that tells only part of what it knows meets more conflicts, never fewer', async (t) => {
  assertProperty(
    t,
    fc.property(honestHistory, deliverySeed, (written, seed) => {
      const server = createServer();
      for (const update of interleave(seededRandom(seed), written)) {
        const expected = expectedOutcome(update, registersOf(server.state));
        const folded = server.deliver(encodeCausality(update, server.log));
        if (expected === 'conflict') assert.equal(folded?.outcome, 'conflict');
      }
    }),
  );
});

t.test('no write, whatever it claims, throws or takes a register back below the stamp that it had', async (t) => {
  assertProperty(
    t,
    fc.property(anyHistory, (updates) => {
      const server = createServer();
      let before = registersOf(server.state);
      for (const update of updates) {
        assert.equal(server.deliver(update)?.version, server.log.length);
        const after = registersOf(server.state);
        assertNoStampFell(before, after);
        before = after;
      }
    }),
  );
});

/** From what its device really knew, and so without the code's causality. */
function expectedOutcome({ device, update, known }: Written, before: Registers): string {
  const met = writesOf(update).map(([name, value]) => {
    const register = before.get(name);
    if (!register) return 'applied';
    if (register.device === device) return register.counter > update.counter ? 'superseded' : 'applied';
    if ((known.get(register.device) ?? 0) >= register.counter) return 'applied';
    return JSON.stringify(register.value) === JSON.stringify(value) ? 'applied' : 'conflict';
  });
  if (met.includes('conflict')) return 'conflict';
  return met.length > 0 && met.every((meeting) => meeting === 'superseded') ? 'superseded' : 'applied';
}

function assertNoStampFell(before: Registers, after: Registers): void {
  for (const [name, old] of before) {
    const now = after.get(name);
    assert(now, `${name} is gone`);
    if (now.device === old.device && now.counter === old.counter) assert.deepStrictEqual(now, old);
    else {
      const later =
        now.timestamp - old.timestamp || (now.device > old.device ? 1 : -1) * Number(now.device !== old.device);
      assert(later > 0 || (later === 0 && now.counter > old.counter), `${name} went back`);
    }
  }
}
