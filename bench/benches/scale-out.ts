/** More workers and more APIs, over many fields and over one: the hot field must not be slower with many. */
import type { FieldId } from '../../shared/field/ids.ts';
import type { Bench } from '../bench.ts';
import { fillFields } from '../load/fill.ts';
import { sendBurst } from '../load/history.ts';
import { createWriters, moveParticle } from '../load/writers.ts';
import { describeSpread, format, median, medianRatio, round } from '../measure/statistics.ts';

const sizes = [
  { workers: 1, apis: 1 },
  { workers: 2, apis: 1 },
  { workers: 4, apis: 1 },
  { workers: 1, apis: 2 },
  { workers: 2, apis: 2 },
  { workers: 4, apis: 2 },
];

export const scaleOut: Bench = {
  name: 'scale-out',
  restarts: true,
  about: '1, 2 and 4 workers with 1 and 2 APIs, over 200 fields and over one',
  async run({ stack, isQuick, say }) {
    const many = Array.from({ length: 200 }, (_, index) => `bench-scale-${index}` as FieldId);
    const hot = ['bench-scale-hot' as FieldId];
    await fillFields(stack, many, 5);
    await fillFields(stack, hot, 1000);
    const loads = [
      { name: '200 fields, 1 a request', fields: many, perRequest: 1, updates: isQuick ? 500 : 6000, particles: 5 },
      {
        name: '200 fields, 20 a request',
        fields: many,
        perRequest: 20,
        updates: isQuick ? 2000 : 40_000,
        particles: 5,
      },
      { name: 'one field, 1 a request', fields: hot, perRequest: 1, updates: isQuick ? 500 : 6000, particles: 1000 },
      {
        name: 'one field, 20 a request',
        fields: hot,
        perRequest: 20,
        updates: isQuick ? 2000 : 40_000,
        particles: 1000,
      },
    ];
    const chosen = isQuick ? sizes.filter(({ workers, apis }) => workers === apis && apis < 4) : sizes;
    const rounds = isQuick ? 1 : 3;
    const rates = new Map(chosen.map((size) => [size, loads.map(() => [] as number[])]));
    const writers = await createWriters(128);
    for (let number = 1; number <= rounds; number++) {
      for (const size of chosen) {
        await stack.scale(size);
        for (const [index, { fields, perRequest, updates, particles, name }] of loads.entries()) {
          const make = moveParticle(particles);
          const send = (count: number) => sendBurst(stack, { fields, writers, updates: count, perRequest, make });
          await send(updates / 4); // Warms up.
          const { wallUs } = await send(updates);
          rates.get(size)?.[index]?.push(1e6 / wallUs);
          say(
            `round ${number} of ${rounds}: ${size.workers} workers, ${size.apis} APIs, ${name}: ${format(1e6 / wallUs)} updates/s`,
          );
        }
      }
    }
    const hotTargets = [2, 3].flatMap((index) => {
      const of = (workers: number) =>
        rates.get(
          sizes.find((size) => size.workers === workers && size.apis === 1) ?? sizes[0] ?? { workers, apis: 1 },
        )?.[index] ?? [];
      if (isQuick) return [];
      const [value, limit] = [median(of(4)), median(of(1))];
      const ratio = medianRatio(of(4), of(1));
      const name = loads[index]?.name;
      return [
        {
          what: `${name}: updates/s of 4 workers beside 1`,
          value: round(value, 0),
          limit: round(limit, 0),
          ratio: round(ratio),
          target: 'not slower: ≥ 0.95, all on the same cores',
          met: ratio >= 0.95,
        },
      ];
    });
    return {
      tables: [
        {
          title: 'Updates a second, until all are applied',
          columns: ['workers', 'APIs', ...loads.map(({ name }) => name)],
          rows: [...rates].map(([{ workers, apis }, columns]) => [
            workers,
            apis,
            ...columns.map((all) => describeSpread(all)),
          ]),
          note: 'All of it, the load included, shares the cores of one machine: what is looked for is that more processes do not get in each other’s way.',
        },
      ],
      targets: hotTargets,
    };
  },
};
