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
  'honest updates that are delivered in the order of writing give the registers of the reference merge',
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

t.test(
  "any interleaving that preserves each device's order gives the same registers, also with duplicates",
  async (t) => {
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
  },
);

t.test('with hybrid timestamps, updates of one device that arrive in any order give the same registers', async (t) => {
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

t.test('merging a duplicate leaves the registers unchanged', async (t) => {
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

t.test(
  'an update that states everything its device has seen conflicts only with a different value that it has not seen',
  async (t) => {
    assertProperty(
      t,
      fc.property(honestHistory, deliverySeed, (written, seed) => {
        const server = createServer();
        for (const update of interleave(seededRandom(seed), written)) {
          const before = registersOf(server.state);
          const folded = server.deliver(encodeCausality({ ...update, causalityFormat: 'clock' }, server.log));
          assert.equal(folded?.outcome, expectedOutcome(update, before));
        }
      }),
      500,
    );
  },
);

t.test('an update that states only a part of what its device has seen never has fewer conflicts', async (t) => {
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

t.test('no write throws or lowers the stamp of a register, whatever it claims to have seen', async (t) => {
  assertProperty(
    t,
    fc.property(anyHistory, (updates) => {
      const server = createServer();
      let before = registersOf(server.state);
      for (const update of updates) {
        assert.equal(server.deliver(update)?.version, server.log.length);
        const after = registersOf(server.state);
        assertNoStampIsLower(before, after);
        before = after;
      }
    }),
  );
});

/** Computes the outcome from what the device had seen, independently of the causality rules of the code. */
function expectedOutcome({ device, update, known }: Written, before: Registers): string {
  const results = writesOf(update).map(([name, value]) => {
    const register = before.get(name);
    if (!register) return 'applied';
    if (register.device === device) return register.counter > update.counter ? 'superseded' : 'applied';
    if ((known.get(register.device) ?? 0) >= register.counter) return 'applied';
    return JSON.stringify(register.value) === JSON.stringify(value) ? 'applied' : 'conflict';
  });
  if (results.includes('conflict')) return 'conflict';
  return results.length > 0 && results.every((result) => result === 'superseded') ? 'superseded' : 'applied';
}

function assertNoStampIsLower(before: Registers, after: Registers): void {
  for (const [name, old] of before) {
    const now = after.get(name);
    assert(now, `${name} has disappeared`);
    if (now.device === old.device && now.counter === old.counter) assert.deepStrictEqual(now, old);
    else {
      const later =
        now.timestamp - old.timestamp || (now.device > old.device ? 1 : -1) * Number(now.device !== old.device);
      assert(later > 0 || (later === 0 && now.counter > old.counter), `the stamp of ${name} is lower`);
    }
  }
}
