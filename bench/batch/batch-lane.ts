/** What an `enqueue` of a big file costs those who send meanwhile: latency from POST to delta, with and without it. */
import { watchField } from '../../cli/load/watcher.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import type { Bench, Table } from '../bench.ts';
import { runOpenLoop } from '../load/open-loop.ts';
import { createToken, createUpdates, createWriters, encodePost, setCell } from '../load/writers.ts';
import { describeSpread, format, median, medianRatio, percentile, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { startEnqueue } from './start-enqueue.ts';

const field = 'bench-lane' as FieldId;
const perSecond = 200;
const devices = 50;
const maxRatio = 1.5;

/** Where the file goes: nowhere, into a field of its own, or into the field of the devices. */
const conditions = {
  'without enqueue': undefined,
  'enqueue into another field': 'bench-lane-file' as FieldId,
  'enqueue into the same field': field,
} as const;
type Condition = keyof typeof conditions;
const names = Object.keys(conditions) as Condition[];

interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly rejected: number;
  /** Updates of the file that were applied per second. */
  readonly filePerSecond: number;
}

export const batchLane: Bench = {
  name: 'batch-lane',
  about: 'latency from POST to delta while enqueue sends a big file, compared with the same rate without it',
  async run({ stack, isQuick, printLine }) {
    const seconds = isQuick ? 2 : 8;
    // The conditions of a round follow each other, so that a slow minute of the machine meets all of them.
    const rounds = isQuick ? 1 : 3;
    await measure(stack, 'enqueue into another field', isQuick ? 1 : 5); // Until the code of all processes is compiled.
    const found: Record<Condition, Measured[]> = {
      'without enqueue': [],
      'enqueue into another field': [],
      'enqueue into the same field': [],
    };
    for (let number = 1; number <= rounds; number += 1) {
      for (const name of names) {
        const measured = await measure(stack, name, seconds);
        found[name].push(measured);
        const file = measured.filePerSecond > 0 ? `, ${format(measured.filePerSecond)} updates/s of the file` : '';
        printLine(
          `round ${number} of ${rounds}: ${name}: p50 ${format(measured.p50, 1)}, p99 ${format(measured.p99, 1)} ms${file}`,
        );
      }
    }
    const p99Of = (name: Condition) => found[name].map(({ p99 }) => p99);
    const ratioOf = (name: Condition) => medianRatio(p99Of(name), p99Of('without enqueue'));
    const table: Table = {
      title: `From POST to delta at ${perSecond} updates/s of ${devices} devices, in ms from the due time`,
      columns: ['', 'p50', 'p99', 'p99 / without', 'updates/s of the file', 'rejected'],
      rows: names.map((name) => [
        name,
        format(median(found[name].map(({ p50 }) => p50)), 1),
        describeSpread(p99Of(name), 1),
        format(ratioOf(name), 2),
        format(median(found[name].map(({ filePerSecond }) => filePerSecond))),
        found[name].reduce((sum, { rejected }) => sum + rejected, 0),
      ]),
      note: 'Medians of the rounds, with the lowest and the highest p99. The file is sent with the priority that `enqueue` has unless it is asked otherwise: low.',
    };
    const beside = names.filter((name) => conditions[name] !== undefined);
    return {
      tables: [table],
      targets: beside.map((name) => ({
        what: `p99 from POST to delta at ${perSecond} updates/s, ${name}, in ms, compared with none`,
        value: round(median(p99Of(name)), 1),
        limit: round(median(p99Of('without enqueue')), 1),
        ratio: round(ratioOf(name), 2),
        target: `≤ ${maxRatio} times`,
        met: ratioOf(name) <= maxRatio,
      })),
    };
  },
};

async function measure(stack: BenchStack, name: Condition, seconds: number): Promise<Measured> {
  const [url = ''] = stack.addresses;
  const dueAt = new Map<string, number>();
  const latencies: number[] = [];
  const writers = await createWriters(devices);
  const stopStream = await watchField({
    url,
    field,
    token: await createToken('watcher' as DeviceId),
    onUpdates: (updates) => {
      for (const { device, counter } of updates) {
        const due = dueAt.get(`${device} ${counter}`);
        if (due !== undefined) latencies.push(performance.now() - due);
      }
    },
  });
  const target = conditions[name];
  const file = target === undefined ? undefined : startEnqueue(stack, target);
  try {
    await file?.running();
    const { accepted, rejected } = await send({ url, writers, seconds, dueAt });
    const filePerSecond = (await file?.stop()) ?? 0;
    await waitUntil('all accepted updates are delivered', () => latencies.length >= accepted, { timeoutMs: 60_000 });
    return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), rejected, filePerSecond };
  } finally {
    stopStream();
    file?.kill();
  }
}

interface SendOptions {
  readonly url: string;
  readonly writers: Awaited<ReturnType<typeof createWriters>>;
  readonly seconds: number;
  /** Is filled with the due times of the updates that count. */
  readonly dueAt: Map<string, number>;
}

/** The first second does not count: all devices connect, and their tokens are verified for the first time. */
async function send({ url, writers, seconds, dueAt }: SendOptions): Promise<{ accepted: number; rejected: number }> {
  let [accepted, rejected] = [0, 0];
  let measureFrom: number | undefined;
  await runOpenLoop({
    ...{ url, devices, perSecond, seconds: seconds + 1 },
    next: (index, due) => {
      const writer = writers[index] as (typeof writers)[number];
      const updates = createUpdates(writer, field, 1, setCell);
      measureFrom ??= due + 1000;
      if (due >= measureFrom) dueAt.set(`${writer.device} ${updates[0]?.counter}`, due);
      return encodePost(writer, field, updates);
    },
    onResponse: ({ status }, due) => {
      if (status !== 202) rejected += 1;
      else if (measureFrom !== undefined && due >= measureFrom) accepted += 1;
    },
  });
  return { accepted, rejected };
}
