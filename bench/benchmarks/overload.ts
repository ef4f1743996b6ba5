/**
 * Five times what the machine can apply: updates are turned away before memory grows, reads go on, and whatever was
 * accepted is applied.
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
/** So many that they keep coming while others of them wait for their turn. */
const writerCount = 256;
const overloadFactor = 5;
const readsPerSecond = 50;
/** Requests: two seconds of work, so that it is full for much of the flood. */
const maxBacklog = 1000;
const field = 'bench-overload' as FieldId;

export const overload: Bench = {
  name: 'overload',
  requiresRestart: true,
  about: 'five times what the machine can apply: what is turned away, what it costs, and whether reads go on',
  async run({ stack, isQuick, printLine }) {
    await stack.scale({ apis: 1, workers: 1, env: { MAX_BACKLOG: String(maxBacklog) } });
    await seedFields(stack, [field], particles);
    const [url = ''] = stack.addresses;
    const reader = new RpcProcess<ConstantRateReader>('reader', import.meta.resolve('../load/constant-rate-reader.ts'));
    const constant = new RpcProcess<ConstantApi>('constant', import.meta.resolve('../baselines/constant-api.ts'));
    try {
      const path = `/api/fields/${field}`;
      const token = await createToken('reader' as DeviceId);
      const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
      const body = new Uint8Array(await answer.arrayBuffer());
      const ours = { url, request: encodeRequest({ path, token }) };
      const theirs = { url: await constant.call('listen', [body]), request: encodeRequest({ path: '/0' }) };
      const seconds = isQuick ? 1.5 : 10;
      const read = async () => {
        const measureReads = (target: typeof ours) =>
          reader.call('read', { ...target, perSecond: readsPerSecond, seconds });
        // One after the other: together they would be in each other's way, idle as well. The field is read while the queue
        // fills, and when it is full.
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
      await read(); // Warms up.
      const idle = await read();
      const writers = await createWriters(writerCount);
      const capacity = await measureCapacity(stack, writers, isQuick ? 100 : 1500);
      printLine(`applies ${format(capacity)} updates a second; ${overloadFactor} times as many are offered`);
      const base = await countApplied(stack, [field]);
      const before = new Map(stack.usage.readPeaks());
      const offering = offerLoad(stack, writers, { perSecond: overloadFactor * capacity, seconds: 3 * seconds });
      const [offered, loaded] = await Promise.all([offering, read()]);
      printLine(`${format(offered.accepted)} updates accepted, ${format(offered.refused)} requests turned away`);
      await waitUntilApplied(stack, [field], base + offered.accepted);
      const applied = (await countApplied(stack, [field])) - base;
      if (applied !== offered.accepted) throw new Error(`${offered.accepted} were accepted, and ${applied} applied`);
      return {
        tables: [
          {
            title: `${overloadFactor} times ${format(capacity)} updates a second for ${3 * seconds} s, ${perRequest} a request`,
            columns: ['updates accepted', 'applied', 'requests turned away', 'without Retry-After', 'other answers'],
            rows: [
              [
                format(offered.accepted),
                format(applied),
                format(offered.refused),
                offered.withoutRetryAfter,
                offered.otherResponses,
              ],
            ],
            note: `A device sends what was turned away again, and its next only when the last is answered. At most ${format(maxBacklog)} requests may wait.`,
          },
          {
            title: `${readsPerSecond} reads a second of a field of 1,000 particles, in ms`,
            columns: ['', 'reads', 'failed', 'p50', 'p99'],
            rows: [
              describeReads('idle', idle.field),
              describeReads('overloaded', loaded.field),
              describeReads('its first third, while the queue fills', loaded.filling),
              describeReads('its last third', loaded.full),
              describeReads('a constant, idle', idle.limit),
              describeReads('a constant, overloaded', loaded.limit),
            ],
            note: 'The constant is of the same size, from a process of its own that nobody else asks: it shares the cores alone.',
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

/** Updates applied a second, from the first request until the last is applied. */
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
  /** In ms. */
  readonly p50: number;
  readonly p99: number;
}

interface OfferedLoad {
  /** Updates. */
  readonly accepted: number;
  /** Requests answered with 503, and those of them without Retry-After. */
  readonly refused: number;
  readonly withoutRetryAfter: number;
  readonly otherResponses: number;
}

/** Every writer sends the same request again until it is accepted. */
async function offerLoad(
  { addresses }: BenchStack,
  writers: readonly Writer[],
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<OfferedLoad> {
  const pending = new Map<number, Buffer>();
  let [accepted, refused, withoutRetryAfter, otherResponses] = [0, 0, 0, 0];
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
        refused += 1;
        if (!/\r\nretry-after: \d/i.test(head)) withoutRetryAfter += 1;
      } else otherResponses += 1;
    },
  });
  return { accepted, refused, withoutRetryAfter, otherResponses };
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
    what: 'p99 of reads while overloaded, in ms, beside idle',
    value: round(loaded.p99, 1),
    limit: round(idle.p99, 1),
    ratio: round(ratio),
    target: '≤ 5 × idle, and none fails',
    met: ratio <= 5 && loaded.failed === 0,
  };
}
