/** Compares throughput and lost updates with a plain write-through service. */
import type { FieldId } from '../../shared/field/ids.ts';
import type { WriteThrough } from '../baselines/write-through.ts';
import type { Bench } from '../bench.ts';
import { runClosedLoop } from '../load/closed-loop.ts';
import { countApplied, seedFields, waitUntilApplied } from '../load/seed.ts';
import { createUpdates, createWriters, encodePost, moveParticle } from '../load/writers.ts';
import { describeSpread, format, median, medianRatio, round } from '../measure/statistics.ts';
import { RpcProcess } from '../stack/rpc-process.ts';

const particles = 1000;
const connections = 64;
const field = 'bench-rival' as FieldId;

export const writeThrough: Bench = {
  name: 'rival',
  about: 'the same updates to one field of 1,000 particles, compared with a plain write-through service',
  async run({ stack, isQuick, printLine }) {
    await seedFields(stack, [field], particles);
    const baseline = new RpcProcess<WriteThrough>('rival', import.meta.resolve('../baselines/write-through.ts'));
    stack.usage.watch('write-through', baseline.pid);
    const ours: number[] = [];
    const theirs: number[] = [];
    let sentToBaseline = 0;
    const requests = isQuick ? { ours: 1500, theirs: 64 } : { ours: 10_000, theirs: 300 };
    try {
      const url = await baseline.call('listen', {
        databaseUrl: stack.urls.database,
        cacheUrl: stack.urls.cache,
        field,
        particles,
      });
      const send = async (urls: readonly string[], count: number) => {
        const writers = await createWriters(connections);
        const next = (connectionIndex: number) => {
          const writer = writers[connectionIndex] as (typeof writers)[number];
          return encodePost(writer, field, createUpdates(writer, field, 1, moveParticle(particles)));
        };
        return runClosedLoop({ urls, connections, requests: count, next, expects: 202 });
      };
      const count = isQuick ? 1 : 3;
      for (let number = 1; number <= count; number++) {
        const before = await countApplied(stack, [field]);
        const startedAt = performance.now();
        await send(stack.addresses, requests.ours);
        await waitUntilApplied(stack, [field], before + requests.ours);
        ours.push((1000 * requests.ours) / (performance.now() - startedAt));
        const tookMs = await send([url], requests.theirs);
        sentToBaseline += requests.theirs;
        theirs.push((1000 * requests.theirs) / tookMs);
        printLine(
          `round ${number} of ${count}: ${format(ours.at(-1) ?? 0)} compared with ${format(theirs.at(-1) ?? 0, 1)} updates/s`,
        );
      }
      const keptCount = await baseline.call('countKept', null);
      const lostCount = sentToBaseline - keptCount;
      const ratio = medianRatio(ours, theirs);
      return {
        tables: [
          {
            title: 'One field of 1,000 particles, one update per request',
            columns: ['service', 'updates per second', 'acknowledged', 'kept', 'lost'],
            rows: [
              ['this service', describeSpread(ours), ours.length * requests.ours, ours.length * requests.ours, 0],
              [
                'write-through',
                describeSpread(theirs, 1),
                sentToBaseline,
                keptCount,
                `${lostCount} (${format((100 * lostCount) / sentToBaseline)} %)`,
              ],
            ],
            note: `${connections} connections. The write-through service is bench/baselines/write-through.ts. For this service, time is measured until all updates are applied.`,
          },
        ],
        targets: [
          {
            what: 'updates/s on 1,000 particles compared with a write-through service',
            value: round(median(ours), 0),
            limit: round(median(theirs), 1),
            ratio: round(ratio, 1),
            target: '≥ 30 × the baseline, and nothing lost',
            met: ratio >= 30,
          },
        ],
      };
    } finally {
      await baseline.stop();
    }
  },
};
