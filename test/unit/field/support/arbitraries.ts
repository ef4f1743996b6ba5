/** Arbitraries for fast-check: updates that often conflict, and histories of devices that follow the contract. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { Test } from 'tap';
import { eventTypes } from '../../../../shared/field/update.ts';
import { type Change, type SentUpdate, sent } from './changes.ts';
import { causalityFormats, createHonestDevice, type Written } from './honest-devices.ts';

/** There are few names, so that writes often conflict; some of them are also names of inherited properties. */
const deviceNames = ['a', 'B', 'toString', 'constructor', 'b'] as const;
const particleIds = ['p', '__proto__', 'constructor'] as const;

const number = fc.constantFrom(0, 0.5, 1, -2.25);
const vector = fc.record({ x: number, y: number, z: number });
const unit = fc.constantFrom(0, 0.5, 0.75, 1);

const particleAttributes = fc.record(
  {
    position: vector,
    velocity: vector,
    resonance: unit,
    content: fc.constantFrom('', 'x', '__proto__'),
    connections: fc.constantFrom([], ['p'], ['p', 'q', 'r'], ['p', 'r', 'q']),
  },
  { requiredKeys: [] },
);

const coordinate = fc.nat({ max: 1 });
const cells = fc.uniqueArray(fc.record({ x: coordinate, y: coordinate, value: unit }), {
  minLength: 1,
  maxLength: 3,
  selector: ({ x, y }) => `${x},${y}`,
});

const particleId = fc.constantFrom(...particleIds);
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: cells.map((generated): Change => ({ kind: 'cells.set', cells: generated })) },
  {
    weight: 5,
    arbitrary: fc
      .tuple(particleId, particleAttributes)
      .map(([id, attributes]): Change => ({ kind: 'particle.put', id, ...attributes })),
  },
  { weight: 2, arbitrary: particleId.map((id): Change => ({ kind: 'particle.remove', id })) },
  {
    weight: 1,
    arbitrary: fc
      .record({ type: fc.constantFrom(...eventTypes), intensity: unit }, { requiredKeys: ['type'] })
      .map((event): Change => ({ kind: 'event', ...event })),
  },
);

/** The default size of fast-check generates mostly lists of under ten entries, in which hardly any writes conflict. */
const longList: fc.ArrayConstraints = { minLength: 1, maxLength: 60, size: 'max' };

const deviceIndex = fc.nat({ max: deviceNames.length - 1 });
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(fc.constant('write'), deviceIndex, anyChange, fc.constantFrom(...causalityFormats)),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('learn'), deviceIndex, deviceIndex) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('wait'), fc.nat({ max: 5 })) },
) as fc.Arbitrary<Step>;
type Step =
  | readonly ['write', number, Change, Written['causalityFormat']]
  | readonly ['learn', number, number]
  | readonly ['wait', number];

/** Updates of honest devices with skewed clocks that sometimes learn of each other's updates. */
export const honestHistory: fc.Arbitrary<Written[]> = fc
  .tuple(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 5, maxLength: 5 }), fc.array(step, longList))
  .map(([skews, steps]) => runSteps(skews, steps));

function runSteps(skews: readonly number[], steps: readonly Step[]): Written[] {
  const devices = deviceNames.map((name, index) => createHonestDevice(name, skews[index] ?? 0));
  const device = (index: number) => devices[index] ?? assert.fail('the device does not exist');
  let now = 1000;
  const written: Written[] = [];
  for (const step of steps) {
    if (step[0] === 'wait') now += step[1];
    else if (step[0] === 'learn') device(step[1]).learn(device(step[2]));
    else written.push(device(step[1]).write(step[2], now, step[3]));
  }
  return written;
}

/** Updates with arbitrary timestamps, `seen` versions and clocks, which need not be true. */
export const anyHistory: fc.Arbitrary<SentUpdate[]> = fc
  .array(
    fc.record({
      device: fc.constantFrom(...deviceNames),
      timestamp: fc.oneof(fc.nat({ max: 20 }), fc.constant(2e12)),
      change: anyChange,
      seen: fc.oneof(fc.nat({ max: 40 }), fc.constant(Number.MAX_SAFE_INTEGER)),
      clock: fc.option(
        fc.dictionary(
          fc.constantFrom(...deviceNames),
          fc.oneof(fc.nat({ max: 9 }), fc.constant(Number.MAX_SAFE_INTEGER)),
        ),
        { nil: undefined },
      ),
    }),
    longList,
  )
  .map((generated) => {
    const counters = new Map<string, number>();
    return generated.map(({ device, timestamp, change, seen, clock }) => {
      const counter = (counters.get(device) ?? 0) + 1;
      counters.set(device, counter);
      return sent(device, [counter, timestamp], change, { seen, ...(clock ? { clock } : {}) });
    });
  });

/** Seeds the random order in which updates are delivered. */
export const deliverySeed = fc.nat();

/** Checks a property. @throws if it does not hold, with the seed, the path and the smallest counterexample */
export function assertProperty<Drawn>(t: Test, property: fc.IProperty<Drawn>, numRuns = 300): void {
  fc.assert(property, { numRuns });
  t.pass(`held for ${numRuns} runs`);
}
