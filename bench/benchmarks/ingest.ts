/** Throughput from the request to the commit, compared with each component alone. */
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { NoopApi } from '../baselines/noop-api.ts';
import { insertRawLog } from '../baselines/raw-log.ts';
import { openRawQueue, type RawQueue } from '../baselines/raw-queue.ts';
import type { Bench, Findings, Table, Target } from '../bench.ts';
import { runClosedLoop } from '../load/closed-loop.ts';
import { countApplied, seedFields, waitUntilApplied } from '../load/seed.ts';
import { createUpdates, createWriters, encodePost, moveParticle, toJob } from '../load/writers.ts';
import { describeSpread, format, median, medianRatio, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { RpcProcess } from '../stack/rpc-process.ts';

const connections = 128;

interface Workload {
  readonly name: string;
  readonly perRequest: number;
  readonly fields: readonly FieldId[];
  readonly requests: number;
}

/** One round of one workload: updates per second of this service and of each baseline. One job is one request. */
interface Round {
  readonly ours: number;
  readonly http: number;
  readonly queue: number;
  readonly log: number;
  readonly batch: number;
  readonly cpuMs: ReadonlyMap<string, number>;
}

export const ingest: Bench = {
  name: 'ingest',
  about: 'updates per second until all are applied, compared with HTTP, BullMQ and inserts alone',
  async run({ stack, isQuick, printLine }) {
    const hot = ['bench-hot' as FieldId];
    const many = Array.from({ length: isQuick ? 100 : 1000 }, (_, index) => `bench-many-${index}` as FieldId);
    await seedFields(stack, hot, 1000);
    await seedFields(stack, many, 5);
    const requests = isQuick ? { one: 2000, twenty: 500 } : { one: 12_000, twenty: 3000 };
    const workloads: Workload[] = [
      { name: '1 per request, one field', perRequest: 1, fields: hot, requests: requests.one },
      { name: `1 per request, ${format(many.length)} fields`, perRequest: 1, fields: many, requests: requests.one },
      { name: '20 per request, one field', perRequest: 20, fields: hot, requests: requests.twenty },
      {
        name: `20 per request, ${format(many.length)} fields`,
        perRequest: 20,
        fields: many,
        requests: requests.twenty,
      },
    ];
    const noopApi = new RpcProcess<NoopApi>('no-op API', import.meta.resolve('../baselines/noop-api.ts'));
    const queue = await openRawQueue(stack);
    const rounds = new Map(workloads.map(({ name }) => [name, [] as Round[]]));
    try {
      const noopUrl = await noopApi.call('listen', null);
      const count = isQuick ? 1 : 3;
      for (let number = 0; number <= count; number++) {
        if (isQuick && number === 0) continue;
        for (const workload of workloads) {
          // The first round is a short warm-up.
          const sized = number === 0 ? { ...workload, requests: Math.ceil(workload.requests / 4) } : workload;
          const result = await runRound(stack, sized, noopUrl, queue);
          if (number > 0) rounds.get(workload.name)?.push(result);
          printLine(
            `round ${number} of ${count}: ${workload.name}: ${format(result.ours)} updates/s, BullMQ alone ${format(result.queue)}`,
          );
        }
      }
    } finally {
      await noopApi.stop();
      await queue.close();
    }
    return describeFindings(workloads, rounds);
  },
};

async function runRound(stack: BenchStack, workload: Workload, noopUrl: string, queue: RawQueue): Promise<Round> {
  const { fields, perRequest, requests } = workload;
  const updates = requests * perRequest;
  const writers = await createWriters(connections);
  const jobs: ApplyUpdates[] = [];
  const make = moveParticle(fields.length === 1 ? 1000 : 5);
  const next = (connectionIndex: number, requestIndex: number) => {
    const writer = writers[connectionIndex] as (typeof writers)[number];
    const field = fields[(connectionIndex + requestIndex * connections) % fields.length] as FieldId;
    const updates = createUpdates(writer, field, perRequest, make);
    jobs.push(toJob(writer, field, updates));
    return encodePost(writer, field, updates);
  };
  const before = await countApplied(stack, fields);
  const transactions = await countTransactions(stack);
  const cpuBefore = stack.usage.readCpuMs();
  const startedAt = performance.now();
  await runClosedLoop({ urls: stack.addresses, connections, requests, next, expects: 202 });
  await waitUntilApplied(stack, fields, before + updates);
  const oursMs = performance.now() - startedAt;
  const cpuMs = new Map([...stack.usage.readCpuMs()].map(([name, ms]) => [name, ms - (cpuBefore.get(name) ?? 0)]));
  const batch = updates / Math.max(1, (await countTransactions(stack)) - transactions);
  const bodies = jobs.map(({ device, field, updates: sent }) =>
    encodePost({ device, token: '', counters: new Map() }, field, sent),
  );
  let sent = 0;
  const httpMs = await runClosedLoop({
    urls: [noopUrl],
    connections,
    requests,
    expects: 202,
    next: () => bodies[sent++ % bodies.length] as Buffer,
  });
  const queueMs = await queue.run(jobs, connections);
  const logMs = await insertRawLog(stack.db, jobs, Math.max(1, Math.round(batch)));
  const perSecond = (ms: number) => (1000 * updates) / ms;
  return {
    ours: perSecond(oursMs),
    http: perSecond(httpMs),
    queue: perSecond(queueMs),
    log: perSecond(logMs),
    batch,
    cpuMs: new Map([...cpuMs].map(([name, ms]) => [name, ms / updates])),
  };
}

/** The number of transactions that have inserted into the log. */
async function countTransactions({ db }: BenchStack): Promise<number> {
  const { rows } = await db.query<{ count: string }>('SELECT count(DISTINCT xmin::text) AS count FROM field_updates');
  return Number(rows[0]?.count);
}

function describeFindings(workloads: readonly Workload[], rounds: ReadonlyMap<string, readonly Round[]>): Findings {
  const of = (workload: Workload) => rounds.get(workload.name) ?? [];
  const throughput: Table = {
    title: 'Updates per second until all are applied',
    columns: [
      'workload',
      'this service',
      'HTTP alone',
      'BullMQ alone',
      'inserts alone',
      'ratio to BullMQ',
      'updates per commit',
    ],
    rows: workloads.map((workload) => {
      const all = of(workload);
      const column = (pick: (round: Round) => number) => describeSpread(all.map(pick));
      return [
        workload.name,
        column(({ ours }) => ours),
        column(({ http }) => http),
        column(({ queue }) => queue),
        column(({ log }) => log),
        medianRatio(
          all.map(({ ours }) => ours),
          all.map(({ queue }) => queue),
        ).toFixed(2),
        format(median(all.map(({ batch }) => batch))),
      ];
    }),
    note: `${connections} connections, each with one request at a time. Median (lowest–highest) of the rounds; the ratio is the median of the rounds' ratios.`,
  };
  const names = [...(of(workloads[0] as Workload)[0]?.cpuMs.keys() ?? [])];
  const cpu: Table = {
    title: 'CPU time per update, in µs',
    columns: ['workload', ...names],
    rows: workloads.map((workload) => [
      workload.name,
      ...names.map((name) => format(1000 * median(of(workload).map(({ cpuMs }) => cpuMs.get(name) ?? 0)))),
    ]),
  };
  return { tables: [throughput, cpu], targets: workloads.map((workload) => createTarget(workload, of(workload))) };
}

function createTarget({ name, perRequest }: Workload, all: readonly Round[]): Target {
  const ours = all.map(({ ours }) => ours);
  const jobs = all.map(({ queue }) => queue / perRequest);
  const [value, limit] = [median(ours), median(jobs)];
  if (perRequest === 1) {
    const ratio = medianRatio(ours, jobs);
    return {
      what: `ingest, ${name}: updates/s compared with BullMQ alone`,
      value: round(value, 0),
      limit: round(limit, 0),
      ratio: round(ratio),
      target: '≥ 0.6 of BullMQ alone',
      met: ratio >= 0.6,
    };
  }
  // The target refers to a machine on which BullMQ processes 10,000 jobs per second, so it is scaled by this machine's rate.
  const ratio = medianRatio(ours, jobs);
  return {
    what: `ingest, ${name}: updates/s compared with jobs/s of BullMQ alone`,
    value: round(value, 0),
    limit: round(limit, 0),
    ratio: round(ratio),
    target: '≥ 25,000 updates/s where BullMQ does 10,000 jobs/s: ≥ 2.5',
    met: ratio >= 2.5,
  };
}
