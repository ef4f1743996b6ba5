/**
 * Five times the capacity of the machine: updates are rejected before memory grows, reads continue, and every accepted
 * update is applied.
 */
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { ConstantApi } from '../baselines/constant-api.ts';
import type { Bench, Target } from '../bench.ts';
import { runClosedLoop } from '../load/closed-loop.ts';
import type { ConstantRateReader, ReadTimes } from '../load/constant-rate-reader.ts';
import { encodeRequest } from '../load/http-connection.ts';
import { runOpenLoop } from '../load/open-loop.ts';
import { countApplied, seedFields, waitUntilApplied } from '../load/seed.ts';
import { createToken, createUpdates, createWriters, encodePost, moveParticle, type Writer } from '../load/writers.ts';
import { format, percentile, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { RpcProcess } from '../stack/rpc-process.ts';

const particles = 1000;
const perRequest = 20;
/** Enough writers to keep sending while others wait for a response. */
const writerCount = 256;
const overloadFactor = 5;
const readsPerSecond = 50;
/** In requests: about two seconds of work, so that the queue is full for most of the run. */
const maxBacklog = 1000;
const field = 'bench-overload' as FieldId;

export const overload: Bench = {
  name: 'overload',
  requiresRestart: true,
  about: 'five times the capacity of the machine: rejected updates, memory, and the latency of reads',
  async run({ stack, isQuick, printLine }) {
    await stack.scale({ apis: 1, workers: 1, env: { MAX_BACKLOG: String(maxBacklog) } });
    await seedFields(stack, [field], particles);
    const [url = ''] = stack.addresses;
    const reader = new RpcProcess<ConstantRateReader>('reader', import.meta.resolve('../load/constant-rate-reader.ts'));
    const constant = new RpcProcess<ConstantApi>('constant', import.meta.resolve('../baselines/constant-api.ts'));
    try {
      const path = `/api/fields/${field}`;
      const token = await createToken('reader' as DeviceId);
      const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
      const body = new Uint8Array(await response.arrayBuffer());
      const ours = { url, request: encodeRequest({ path, token }) };
      const theirs = { url: await constant.call('listen', [body]), request: encodeRequest({ path: '/0' }) };
      const seconds = isQuick ? 1.5 : 10;
      const read = async () => {
        const measureReads = (target: typeof ours) =>
          reader.call('read', { ...target, perSecond: readsPerSecond, seconds });
        // The reads run one after the other, since they would compete for the cores. The field is read while the queue fills
        // and again when it is full.
        const filling = await measureReads(ours);
        const limit = await measureReads(theirs);
        const full = await measureReads(ours);
        return {
          field: summarize([filling, full]),
          limit: summarize([limit]),
          filling: summarize([filling]),
          full: summarize([full]),
        };
      };
      await read(); // Warm-up.
      const idle = await read();
      const writers = await createWriters(writerCount);
      const capacity = await measureCapacity(stack, writers, isQuick ? 100 : 1500);
      printLine(`capacity ${format(capacity)} updates per second; offering ${overloadFactor} times as many`);
      const base = await countApplied(stack, [field]);
      const before = new Map(stack.usage.readPeaks());
      const offering = offerLoad(stack, writers, { perSecond: overloadFactor * capacity, seconds: 3 * seconds });
      const [offered, loaded] = await Promise.all([offering, read()]);
      printLine(`${format(offered.accepted)} updates accepted, ${format(offered.rejected)} requests rejected`);
      await waitUntilApplied(stack, [field], base + offered.accepted);
      const applied = (await countApplied(stack, [field])) - base;
      if (applied !== offered.accepted)
        throw new Error(`${offered.accepted} updates were accepted, but ${applied} applied`);
      return {
        tables: [
          {
            title: `${overloadFactor} times ${format(capacity)} updates per second for ${3 * seconds} s, ${perRequest} per request`,
            columns: ['updates accepted', 'applied', 'requests rejected', 'without Retry-After', 'other responses'],
            rows: [
              [
                format(offered.accepted),
                format(applied),
                format(offered.rejected),
                offered.withoutRetryAfter,
                offered.otherResponses,
              ],
            ],
            note: `A device resends rejected requests and has one request in flight. The backlog is limited to ${format(maxBacklog)} requests.`,
          },
          {
            title: `${readsPerSecond} reads per second of a field of 1,000 particles, in ms`,
            columns: ['', 'reads', 'failed', 'p50', 'p99'],
            rows: [
              describeReads('idle', idle.field),
              describeReads('overloaded', loaded.field),
              describeReads('overloaded, first third (queue filling)', loaded.filling),
              describeReads('overloaded, last third', loaded.full),
              describeReads('constant, idle', idle.limit),
              describeReads('constant, overloaded', loaded.limit),
            ],
            note: 'The constant has the same size and comes from a separate process without other clients; it only shares the cores.',
          },
          {
            title: 'Peak memory in MB',
            columns: ['process', 'before', 'overloaded'],
            rows: [...stack.usage.readPeaks()].map(([name, mb]) => [name, format(before.get(name) ?? 0), format(mb)]),
          },
        ],
        targets: [createTarget(idle.field, loaded.field)],
      };
    } finally {
      await Promise.all([reader.stop(), constant.stop()]);
    }
  },
};

/** Updates applied per second, from the first request until the last update is applied. */
async function measureCapacity(stack: BenchStack, writers: readonly Writer[], requests: number): Promise<number> {
  const startedAt = performance.now();
  await runClosedLoop({
    urls: stack.addresses,
    connections: writers.length,
    requests,
    expects: 202,
    next: (connectionIndex) => encodeNextRequest(writers[connectionIndex] as Writer),
  });
  await waitUntilApplied(stack, [field], particles + requests * perRequest);
  return (1000 * requests * perRequest) / (performance.now() - startedAt);
}

function encodeNextRequest(writer: Writer): Buffer {
  return encodePost(writer, field, createUpdates(writer, field, perRequest, moveParticle(particles)));
}

interface ReadSummary {
  readonly reads: number;
  readonly failed: number;
  /** Percentiles in ms. */
  readonly p50: number;
  readonly p99: number;
}

interface OfferedLoad {
  /** Number of accepted updates. */
  readonly accepted: number;
  /** Requests that got 503, and those of them without Retry-After. */
  readonly rejected: number;
  readonly withoutRetryAfter: number;
  readonly otherResponses: number;
}

/** Each writer resends a request until it is accepted. */
async function offerLoad(
  { addresses }: BenchStack,
  writers: readonly Writer[],
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<OfferedLoad> {
  const pending = new Map<number, Buffer>();
  let [accepted, rejected, withoutRetryAfter, otherResponses] = [0, 0, 0, 0];
  await runOpenLoop({
    url: addresses[0] ?? '',
    devices: writers.length,
    perSecond: perSecond / perRequest,
    seconds,
    next: (index) => {
      const request = pending.get(index) ?? encodeNextRequest(writers[index] as Writer);
      pending.set(index, request);
      return request;
    },
    onResponse: ({ status, head }, _dueAt, index) => {
      if (status === 202) {
        accepted += perRequest;
        pending.delete(index);
      } else if (status === 503) {
        rejected += 1;
        if (!/\r\nretry-after: \d/i.test(head)) withoutRetryAfter += 1;
      } else otherResponses += 1;
    },
  });
  return { accepted, rejected, withoutRetryAfter, otherResponses };
}

function summarize(parts: readonly ReadTimes[]): ReadSummary {
  const times = parts.flatMap((part) => part.times);
  const failed = parts.reduce((sum, part) => sum + part.failed, 0);
  return { reads: times.length, failed, p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

function describeReads(name: string, { reads, failed, p50, p99 }: ReadSummary): (string | number)[] {
  return [name, reads, failed, format(p50, 1), format(p99, 1)];
}

function createTarget(idle: ReadSummary, loaded: ReadSummary): Target {
  const ratio = loaded.p99 / idle.p99;
  return {
    what: 'p99 of reads while overloaded, in ms, compared with idle',
    value: round(loaded.p99, 1),
    limit: round(idle.p99, 1),
    ratio: round(ratio),
    target: '≤ 5 × idle, and no read fails',
    met: ratio <= 5 && loaded.failed === 0,
  };
}
