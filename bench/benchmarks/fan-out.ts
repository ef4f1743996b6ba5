/** One delta to many watchers, beside a bare `ws` broadcast of the same bytes, published by the same workers. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { BareBroadcast } from '../baselines/bare-broadcast.ts';
import type { Bench, Table, Target } from '../bench.ts';
import { encodeRequest, HttpLane } from '../load/http-connection.ts';
import { runOpenLoop } from '../load/open-loop.ts';
import { fillFields } from '../load/seed.ts';
import type { Crowd, Delivery } from '../load/subscriber-pool.ts';
import { fieldChannel, watchChannel } from '../load/watch-deltas.ts';
import { createWriters, encodePost, moveParticle, takeUpdates, tokenFor } from '../load/writers.ts';
import { format, median, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { Helper } from '../stack/rpc-process.ts';

const field = 'bench-fan-out' as FieldId;
const perSecond = 20;
const ours = 'API 1';
const bare = 'bare ws';

/** One of the two servers, and how it is reached. */
interface Server {
  readonly name: typeof ours | typeof bare;
  readonly url: string;
  readonly protocols: string;
}

interface Measured extends Delivery {
  readonly cpuPercent: number;
  readonly kbPerSocket: number;
}

export const fanOut: Bench = {
  name: 'fan-out',
  about: 'deltas of a hot field to many WebSockets, beside a bare ws broadcast of the same bytes',
  async run({ stack, isQuick, say }) {
    await fillFields(stack, [field], 1000);
    const [address = ''] = stack.addresses;
    const token = await tokenFor('watcher' as DeviceId);
    const crowd = new Helper<Crowd>('crowd', import.meta.resolve('../load/subscriber-pool.ts'));
    const broadcast = new Helper<BareBroadcast>(
      'bare broadcast',
      import.meta.resolve('../baselines/bare-broadcast.ts'),
    );
    stack.usage.watch('crowd', crowd.pid);
    stack.usage.watch(bare, broadcast.pid);
    try {
      const greeting = await readState(address, token);
      const channel = await fieldChannel(stack, field);
      const bareUrl = await broadcast.ask('listen', { cacheUrl: stack.urls.cache, channel, greeting });
      const servers: Server[] = [
        { name: ours, url: `${address}/api/fields/${field}/stream`, protocols: `field.v1, bearer.${token}` },
        { name: bare, url: bareUrl, protocols: '' },
      ];
      const sizes = isQuick ? [100] : [1, 500, 1500, 5000];
      const rounds = isQuick ? 1 : 3;
      const found = new Map(sizes.map((size) => [size, { [ours]: [] as Measured[], [bare]: [] as Measured[] }]));
      for (let number = 1; number <= rounds; number++) {
        for (const size of sizes) {
          for (const server of servers) {
            const measured = await measure(stack, crowd, server, { size, seconds: isQuick ? 1 : 6 });
            found.get(size)?.[server.name].push(measured);
            say(
              `round ${number} of ${rounds}: ${size} watchers, ${server.name}: last p99 ${format(measured.lastP99, 1)} ms`,
            );
          }
        }
      }
      const joining = isQuick ? 100 : 1500;
      const storms = { [ours]: [] as number[], [bare]: [] as number[] };
      for (let number = 1; number <= (isQuick ? 1 : 3); number++) {
        for (const { name, url, protocols } of servers) {
          storms[name].push(await crowd.ask('storm', { url, protocols, count: joining }));
          await crowd.ask('leave', null);
        }
        say(
          `storm ${number}: ${joining} at once in ${format(storms[ours].at(-1) ?? 0)} ms, bare ${format(storms[bare].at(-1) ?? 0)} ms`,
        );
      }
      return {
        tables: [describeFanOut(found), describeStorm(joining, greeting.length, storms)],
        targets: sizes.filter((size) => isQuick || size >= 1500).flatMap((size) => targetsOf(size, found.get(size))),
      };
    } finally {
      await crowd.stop();
      await broadcast.stop();
    }
  },
};

async function readState(address: string, token: string): Promise<Buffer> {
  const lane = await HttpLane.open(address);
  const { body } = await lane.send(encodeRequest({ path: `/api/fields/${field}`, token }));
  lane.close();
  return body;
}

interface Crowding {
  readonly size: number;
  readonly seconds: number;
}

async function measure(
  stack: BenchStack,
  crowd: Helper<Crowd>,
  server: Server,
  { size, seconds }: Crowding,
): Promise<Measured> {
  const { name, url, protocols } = server;
  const before = stack.usage.memoryMb(name);
  await crowd.ask('gather', { url, protocols, count: size });
  await delay(1000); // What joining has stirred up comes to rest.
  const kbPerSocket = (1024 * (stack.usage.memoryMb(name) - before)) / size;
  const published: [number, number][] = [];
  const stopChannel = await watchChannel(stack, field, ({ to }) => {
    published.push([to, Number(process.hrtime.bigint()) / 1e6]);
  });
  await crowd.ask('clear', null);
  const cpuBefore = stack.usage.cpuMs().get(name) ?? 0;
  await write(stack, seconds);
  const delivery = await crowd.ask('report', { published, within: 20_000 });
  const cpuMs = (stack.usage.cpuMs().get(name) ?? 0) - cpuBefore;
  stopChannel();
  await crowd.ask('leave', null);
  return { ...delivery, cpuPercent: cpuMs / (10 * seconds), kbPerSocket };
}

async function write(stack: BenchStack, seconds: number): Promise<void> {
  const writers = await createWriters(perSecond);
  const [url = ''] = stack.addresses;
  await runOpenLoop({
    url,
    devices: writers.length,
    perSecond,
    seconds,
    next: (index) => {
      const writer = writers[index] as (typeof writers)[number];
      return encodePost(writer, field, takeUpdates(writer, field, 1, moveParticle(1000)));
    },
    onAnswer: () => undefined,
  });
}

type Found = Record<typeof ours | typeof bare, readonly Measured[]>;

const pick = (all: readonly Measured[], what: keyof Measured) => median(all.map((one) => one[what]));

function describeFanOut(found: ReadonlyMap<number, Found>): Table {
  return {
    title: `${perSecond} deltas a second: ms from the channel to the watchers`,
    columns: ['watchers', 'server', 'p50', 'p99', 'last p50', 'last p99', 'CPU %', 'kB a socket'],
    rows: [...found].flatMap(([size, both]) =>
      [ours, bare].map((name) => {
        const all = both[name as typeof ours];
        const ms = (what: keyof Measured) => format(pick(all, what), 1);
        const kb = size < 100 ? '–' : format(pick(all, 'kbPerSocket'), 1);
        return [size, name, ms('p50'), ms('p99'), ms('lastP50'), ms('lastP99'), format(pick(all, 'cpuPercent')), kb];
      }),
    ),
    note: '*last*: until the last watcher has it. All watchers are one process, which shares the machine with the server.',
  };
}

function describeStorm(
  joining: number,
  bytes: number,
  storms: Record<typeof ours | typeof bare, readonly number[]>,
): Table {
  return {
    title: `${format(joining)} watchers who join at once a field of 1,000 particles: ms until each has its snapshot of ${format(bytes / 1000)} kB`,
    columns: ['server', 'median', 'of the bare one'],
    rows: [
      [ours, format(median(storms[ours])), (median(storms[ours]) / median(storms[bare])).toFixed(2)],
      [bare, format(median(storms[bare])), '1'],
    ],
  };
}

function targetsOf(size: number, both: Found | undefined): Target[] {
  if (!both) return [];
  const [value, limit] = [pick(both[ours], 'lastP99'), pick(both[bare], 'lastP99')];
  const [kb, bareKb] = [pick(both[ours], 'kbPerSocket'), pick(both[bare], 'kbPerSocket')];
  const ratio = value / limit;
  return [
    {
      what: `${format(size)} watchers: p99 to the last one, in ms`,
      value: round(value, 1),
      limit: round(limit, 1),
      ratio: round(ratio),
      target: '≤ 1.5 × a bare broadcast',
      met: ratio <= 1.5,
    },
    {
      what: `${format(size)} watchers: kB a socket`,
      value: round(kb, 1),
      limit: round(bareKb, 1),
      ratio: round(kb / bareKb),
      target: '≤ 20 kB',
      met: kb <= 20,
    },
  ];
}
