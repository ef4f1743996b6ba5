/** Throughput with more workers and APIs, over many fields and over one: more processes must not slow down a hot field. */
import type { FieldId } from '../../shared/field/ids.ts';
import type { Bench, Target } from '../bench.ts';
import { sendBurst } from '../load/bursts.ts';
import { seedFields } from '../load/seed.ts';
import { createWriters, moveParticle } from '../load/writers.ts';
import { describeSpread, format, median, medianRatio, round } from '../measure/statistics.ts';

interface Size {
  readonly workers: number;
  readonly apis: number;
}

interface Workload {
  readonly name: string;
  readonly particles: number;
  readonly perRequest: number;
  readonly updates: number;
  /** The fields of a burst with this number of requests. */
  readonly takeFields: (requests: number) => readonly FieldId[];
}

const oneWorker: Size = { workers: 1, apis: 1 };
const fourWorkers: Size = { workers: 4, apis: 1 };
const sizes: readonly Size[] = [
  oneWorker,
  { workers: 2, apis: 1 },
  fourWorkers,
  { workers: 1, apis: 2 },
  { workers: 2, apis: 2 },
  { workers: 4, apis: 4 },
];
const tableRounds = 2;
/** Further rounds of the compared sizes; those of the table count as well. */
const hotRounds = 3;

export const scaleOut: Bench = {
  name: 'scale-out',
  requiresRestart: true,
  about: 'throughput of 1, 2 and 4 workers and APIs, over one field, 200 and 10,000',
  async run({ stack, isQuick, printLine }) {
    const few = createFields('few', 200);
    const many = createFields('many', isQuick ? 500 : 10_000);
    const hot = createFields('hot', 1);
    const seedingAt = performance.now();
    await seedFields(stack, few, 5);
    await seedFields(stack, many, 1);
    await seedFields(stack, hot, 1000);
    printLine(`wrote the first updates of all fields in ${format((performance.now() - seedingAt) / 1000, 1)} s`);
    const writers = await createWriters(128);
    const hotWorkloads = createWorkloads('one field', hot, 1000, isQuick ? [500, 2000] : [6000, 30_000]);
    const workloads = [
      ...hotWorkloads,
      ...createWorkloads('200 fields', few, 5, isQuick ? [500, 2000] : [5000, 30_000]),
      ...createWorkloads(`${format(many.length)} fields`, many, 1, isQuick ? [400, 2000] : [4000, 16_000]),
    ];

    /** Updates per second of each workload at this size. */
    async function measure(size: Size, workloads: readonly Workload[]): Promise<number[]> {
      await stack.scale(size);
      const rates: number[] = [];
      for (const { name, takeFields, particles, perRequest, updates } of workloads) {
        const make = moveParticle(particles);
        const send = (count: number) => {
          const fields = takeFields(count / perRequest);
          return sendBurst(stack, { fields, writers, updates: count, perRequest, make });
        };
        await send(updates / 4); // Warm-up.
        const rate = 1e6 / (await send(updates)).wallUs;
        printLine(`${size.workers} workers, ${size.apis} APIs, ${name}: ${format(rate)} updates/s`);
        rates.push(rate);
      }
      return rates;
    }

    const chosen = isQuick ? sizes.filter(({ workers, apis }) => workers === apis) : sizes;
    const measured = chosen.map((size) => ({ size, rounds: [] as number[][] }));
    for (let turn = 0; turn < (isQuick ? 1 : tableRounds); turn++) {
      for (const { size, rounds } of measured) rounds.push(await measure(size, workloads));
    }
    // Compared sizes are measured alternately, since the speed of the machine drifts.
    // The rounds of the table have measured both with the other sizes in between.
    const hotRatesOf = (size: Size) =>
      measured
        .filter((row) => row.size === size)
        .flatMap(({ rounds }) => rounds.map((rates) => rates.slice(0, hotWorkloads.length)));
    const [ofOne, ofFour] = [hotRatesOf(oneWorker), hotRatesOf(fourWorkers)];
    for (let turn = 0; turn < (isQuick ? 0 : hotRounds); turn++) {
      ofOne.push(await measure(oneWorker, hotWorkloads));
      ofFour.push(await measure(fourWorkers, hotWorkloads));
    }
    return {
      tables: [
        {
          title: 'Updates per second until all are applied',
          columns: ['workers', 'APIs', ...workloads.map(({ name }) => name)],
          rows: measured.map(({ size, rounds }) => [
            size.workers,
            size.apis,
            ...workloads.map((_, load) => describeSpread(ratesOf(rounds, load))),
          ]),
          note: 'All processes, including the load generator, share the cores of one machine. The purpose is to show that more processes do not slow each other down.',
        },
      ],
      targets: isQuick
        ? []
        : hotWorkloads.map(({ name }, load) => createTarget(name, ratesOf(ofOne, load), ratesOf(ofFour, load))),
    };
  },
};

function createFields(name: string, count: number): FieldId[] {
  return Array.from({ length: count }, (_, index) => `bench-scale-${name}-${index}` as FieldId);
}

/** @param updates of a burst, one per request and twenty per request */
function createWorkloads(
  name: string,
  fields: readonly FieldId[],
  particles: number,
  [single, batched]: readonly [number, number],
): [Workload, Workload] {
  const takeFields = createFieldSource(fields);
  return [
    { name: `${name}, 1 per request`, particles, perRequest: 1, updates: single, takeFields },
    { name: `${name}, 20 per request`, particles, perRequest: 20, updates: batched, takeFields },
  ];
}

/**
 * All fields, or, if a burst has fewer requests than there are fields, those that follow the ones of the burst before: otherwise
 * every burst would go to the same fields, which the workers then have in memory.
 */
function createFieldSource(fields: readonly FieldId[]): Workload['takeFields'] {
  let start = 0;
  return (requests) => {
    const count = Math.min(fields.length, Math.ceil(requests));
    const taken = Array.from({ length: count }, (_, index) => fields[(start + index) % fields.length] as FieldId);
    start = (start + count) % fields.length;
    return taken;
  };
}

/** The rates of one workload over all rounds. */
function ratesOf(rounds: readonly number[][], workloadIndex: number): number[] {
  return rounds.map((rates) => rates[workloadIndex] ?? Number.NaN);
}

function createTarget(name: string, few: readonly number[], more: readonly number[]): Target {
  const ratio = medianRatio(more, few);
  return {
    what: `${name}: updates/s of 4 workers compared with 1`,
    value: round(median(more), 0),
    limit: round(median(few), 0),
    ratio: round(ratio),
    target: '≥ 0.95 on the same cores',
    met: ratio >= 0.95,
  };
}
