/** Latency from the POST of one device to the delta at another at a constant rate, by stage. */
import { watchField } from '../../cli/load/watcher.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { openRawQueue, type RawQueue } from '../baselines/raw-queue.ts';
import type { Bench, Table } from '../bench.ts';
import { runOpenLoop } from '../load/open-loop.ts';
import { watchChannel } from '../load/watch-deltas.ts';
import { createToken, createUpdates, createWriters, encodePost, setCell, toJob } from '../load/writers.ts';
import { format, median, percentile, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';

const field = 'bench-latency' as FieldId;
const stages = ['accepted', 'committing', 'published', 'delivered', 'BullMQ alone'] as const;
type Stage = (typeof stages)[number];
type Times = Record<Stage, number[]> & { arriving: number[]; rejected: number };

/**
 * At the start of each rate all devices connect within a quarter of a second: connections are opened, tokens are verified
 * for the first time, and a backlog is processed. These seconds are measured separately.
 */
const usualArrivalSeconds = 3;

interface UpdateRef {
  readonly device: string;
  readonly counter: number;
}

interface LoadRate {
  readonly perSecond: number;
  readonly devices: number;
  readonly seconds: number;
  /** Preceding seconds that are measured separately. */
  readonly arrivalSeconds?: number;
}

const rates: readonly LoadRate[] = [
  { perSecond: 1, devices: 1, seconds: 15 },
  { perSecond: 200, devices: 50, seconds: 6 },
  { perSecond: 500, devices: 125, seconds: 6 },
  { perSecond: 1000, devices: 250, seconds: 6 },
  { perSecond: 2000, devices: 500, seconds: 6 },
  { perSecond: 3000, devices: 750, seconds: 6 },
];

/** About 20,000 requests, until the code of all processes is compiled. */
const warmUp: LoadRate = { perSecond: 2000, devices: 500, seconds: 10 };

export const latency: Bench = {
  name: 'latency',
  about: 'latency from POST to delta at a constant rate by stage, compared with BullMQ alone at the same rate',
  async run({ stack, isQuick, printLine }) {
    const selectedRates = isQuick ? rates.filter(({ perSecond }) => perSecond === 200) : rates;
    const queue = await openRawQueue(stack);
    const found = new Map<number, Times[]>();
    try {
      if (!isQuick) await measure(stack, queue, warmUp);
      const count = isQuick ? 1 : 3;
      for (let number = 1; number <= count; number++) {
        for (const rate of selectedRates) {
          const times = await measure(stack, queue, isQuick ? { ...rate, seconds: 1, arrivalSeconds: 0.5 } : rate);
          found.set(rate.perSecond, [...(found.get(rate.perSecond) ?? []), times]);
          const [p50, p99] = [0.5, 0.99].map((share) => format(percentile(times.delivered, share), 1));
          const { rejected } = times;
          printLine(
            `round ${number} of ${count}: ${rate.perSecond}/s: delivered p50 ${p50}, p99 ${p99} ms, ${rejected} rejected`,
          );
        }
      }
    } finally {
      await queue.close();
    }
    const of = (rate: number, stage: Stage | 'arriving', share: number) =>
      median((found.get(rate) ?? []).map((times) => percentile(times[stage], share)));
    const tables = [...found.keys()].map(
      (rate): Table => ({
        title: `${format(rate)} updates per second, one per request: ms from the due time`,
        columns: ['stage', 'p50', 'p99', 'p99.9'],
        rows: [...stages, 'arriving' as const].map((stage) => [
          stage,
          ...[0.5, 0.99, 0.999].map((share) => format(of(rate, stage, share), 1)),
        ]),
      }),
    );
    const last = tables.at(-1);
    if (last) {
      tables[tables.length - 1] = {
        ...last,
        note:
          `Medians of the rounds, each without its first ${usualArrivalSeconds} s. *accepted*: the 202 is received. *committing*: the worker folds it (the log time, in whole ms). ` +
          '*published*: the delta is on the channel. *delivered*: a WebSocket has received it. *BullMQ alone*: from adding an empty job until it is processed. ' +
          `*arriving*: delivered, in the first ${usualArrivalSeconds} s, in which all devices connect.`,
      };
    }
    const top = isQuick ? 200 : 2000;
    const [value, limit] = [of(top, 'delivered', 0.99), of(top, 'BullMQ alone', 0.99)];
    const rejected = [...found.values()].flat().reduce((sum, times) => sum + times.rejected, 0);
    const series = (stage: Stage, share: number) => ({
      name: `${stage} p${100 * share}`,
      points: [...found.keys()].map((rate) => [rate, of(rate, stage, share)] as const),
    });
    return {
      tables,
      targets: [
        {
          what: `p99 from POST to delta at ${format(top)} updates/s, in ms, compared with BullMQ alone`,
          value: round(value, 1),
          limit: round(limit, 1),
          ratio: round(value / limit, 1),
          target: '< 50 ms, and no request rejected',
          met: value < 50 && rejected === 0,
        },
      ],
      plots: [
        {
          file: 'latency.svg',
          title: 'From POST to delta',
          x: 'updates per second',
          y: 'ms',
          series: [
            series('delivered', 0.5),
            series('delivered', 0.99),
            series('accepted', 0.99),
            series('BullMQ alone', 0.99),
          ],
        },
      ],
    };
  },
};

async function measure(stack: BenchStack, queue: RawQueue, rate: LoadRate): Promise<Times> {
  const { perSecond, devices, seconds, arrivalSeconds = usualArrivalSeconds } = rate;
  const [url = ''] = stack.addresses;
  const times: Times = {
    rejected: 0,
    accepted: [],
    committing: [],
    published: [],
    delivered: [],
    'BullMQ alone': [],
    arriving: [],
  };
  const dueAt = new Map<string, number>();
  /** Due times of updates in the arrival seconds. */
  const earlyDueAt = new Map<string, number>();
  let measureFrom: number | undefined;
  const writers = await createWriters(devices);
  const recordLatencies = (updates: readonly UpdateRef[], at: number, latencies: number[], dueTimes = dueAt) => {
    for (const { device, counter } of updates) {
      const due = dueTimes.get(`${device} ${counter}`);
      if (due !== undefined) latencies.push(at - due);
    }
  };
  const stopChannel = await watchChannel(stack, field, ({ updates, foldedAt }) => {
    recordLatencies(updates, performance.now(), times.published);
    recordLatencies(updates, foldedAt - performance.timeOrigin, times.committing);
  });
  const token = await createToken('watcher' as DeviceId);
  const stopStream = await watchField({
    url,
    field,
    token,
    onUpdates: (updates) => {
      recordLatencies(updates, performance.now(), times.delivered);
      recordLatencies(updates, performance.now(), times.arriving, earlyDueAt);
    },
  });
  await runOpenLoop({
    url,
    devices,
    perSecond,
    seconds: seconds + arrivalSeconds,
    next: (index, due) => {
      const writer = writers[index] as (typeof writers)[number];
      const updates = createUpdates(writer, field, 1, setCell);
      measureFrom ??= due + 1000 * arrivalSeconds;
      (due >= measureFrom ? dueAt : earlyDueAt).set(`${writer.device} ${updates[0]?.counter}`, due);
      return encodePost(writer, field, updates);
    },
    onResponse: ({ status }, due) => {
      if (status !== 202) times.rejected += 1;
      else if (measureFrom !== undefined && due >= measureFrom) times.accepted.push(performance.now() - due);
    },
  });
  const accepted = times.accepted.length;
  await waitUntil('all accepted updates are delivered', () => times.delivered.length >= accepted, {
    timeoutMs: 60_000,
  });
  stopStream();
  stopChannel();
  const [writer] = writers;
  if (writer) {
    const make = () => toJob(writer, field, [setCell(1)]);
    times['BullMQ alone'].push(...(await queue.pace(make, perSecond, Math.min(seconds, 4))));
  }
  return times;
}
