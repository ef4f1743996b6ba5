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
  readonly fields: readonly FieldId[];
  readonly particles: number;
  readonly perRequest: number;
  readonly updates: number;
}

const sizes: readonly Size[] = [1, 2].flatMap((apis) => [1, 2, 4].map((workers) => ({ workers, apis })));
const [oneWorker, fourWorkers] = [
  { workers: 1, apis: 1 },
  { workers: 4, apis: 1 },
];
const tableRounds = 2;
const hotRounds = 5;

export const scaleOut: Bench = {
  name: 'scale-out',
  requiresRestart: true,
  about: 'throughput of 1, 2 and 4 workers with 1 and 2 APIs, over 200 fields and over one',
  async run({ stack, isQuick, printLine }) {
    const many = Array.from({ length: 200 }, (_, index) => `bench-scale-${index}` as FieldId);
    const hot = ['bench-scale-hot' as FieldId];
    await seedFields(stack, many, 5);
    await seedFields(stack, hot, 1000);
    const writers = await createWriters(128);
    const createWorkloads = (name: string, fields: readonly FieldId[], particles: number): Workload[] => [
      { name: `${name}, 1 per request`, fields, particles, perRequest: 1, updates: isQuick ? 500 : 6000 },
      { name: `${name}, 20 per request`, fields, particles, perRequest: 20, updates: isQuick ? 2000 : 40_000 },
    ];
    const hotWorkloads = createWorkloads('one field', hot, 1000);
    const workloads = [...createWorkloads('200 fields', many, 5), ...hotWorkloads];

    /** Updates per second of each workload at this size. */
    async function measure(size: Size, workloads: readonly Workload[]): Promise<number[]> {
      await stack.scale(size);
      const rates: number[] = [];
      for (const { name, fields, particles, perRequest, updates } of workloads) {
        const make = moveParticle(particles);
        const send = (count: number) => sendBurst(stack, { fields, writers, updates: count, perRequest, make });
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
    const [few, more]: [number[][], number[][]] = [[], []];
    for (let turn = 0; turn < (isQuick ? 0 : hotRounds); turn++) {
      few.push(await measure(oneWorker, hotWorkloads));
      more.push(await measure(fourWorkers, hotWorkloads));
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
        : hotWorkloads.map(({ name }, load) => createTarget(name, ratesOf(few, load), ratesOf(more, load))),
    };
  },
};

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
