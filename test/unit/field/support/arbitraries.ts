/** What fast-check draws: changes that meet often, and histories of honest devices. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { Test } from 'tap';
import { eventTypes } from '../../../../shared/field/update.ts';
import { type Change, type SentUpdate, sent } from './changes.ts';
import { causalityFormats, createHonestDevice, type Written } from './honest-devices.ts';

/** Few names, so that writes meet; some are also names of what every object inherits. */
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
  { weight: 4, arbitrary: cells.map((drawn): Change => ({ kind: 'cells.set', cells: drawn })) },
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

/** Without a size, most lists that fast-check draws have hardly ten entries, and nothing meets in them. */
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
  | readonly ['write', number, Change, Written['tells']]
  | readonly ['learn', number, number]
  | readonly ['wait', number];

/** What honest devices with skewed clocks write while they now and then hear of each other. */
export const honestHistory: fc.Arbitrary<Written[]> = fc
  .tuple(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 5, maxLength: 5 }), fc.array(step, longList))
  .map(([skews, steps]) => playSteps(skews, steps));

function playSteps(skews: readonly number[], steps: readonly Step[]): Written[] {
  const devices = deviceNames.map((name, index) => createHonestDevice(name, skews[index] ?? 0));
  const device = (index: number) => devices[index] ?? assert.fail('no such device');
  let now = 1000;
  const written: Written[] = [];
  for (const played of steps) {
    if (played[0] === 'wait') now += played[1];
    else if (played[0] === 'learn') device(played[1]).learn(device(played[2]));
    else written.push(device(played[1]).write(played[2], now, played[3]));
  }
  return written;
}

/** Updates of devices that claim whatever they like: any timestamp, any `seen`, any clock. */
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
  .map((drawn) => {
    const counters = new Map<string, number>();
    return drawn.map(({ device, timestamp, change, seen, clock }) => {
      const counter = (counters.get(device) ?? 0) + 1;
      counters.set(device, counter);
      return sent(device, [counter, timestamp], change, { seen, ...(clock ? { clock } : {}) });
    });
  });

/** The seed of an order of delivery. */
export const deliverySeed = fc.nat();

/** Checks a property; when it does not hold, the error names the seed, the path and the smallest counterexample. */
export function assertProperty<Drawn>(t: Test, property: fc.IProperty<Drawn>, numRuns = 300): void {
  fc.assert(property, { numRuns });
  t.pass(`held for ${numRuns} runs`);
}
