/** Fan-out of deltas to many subscribers, compared with a plain `ws` broadcast of the same bytes. */
import { setTimeout as delay } from 'node:timers/promises';
import { versionOf } from '../../shared/field/cursor.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { BareBroadcast } from '../baselines/bare-broadcast.ts';
import type { Bench, Table, Target } from '../bench.ts';
import { encodeRequest, HttpConnection } from '../load/http-connection.ts';
import { runOpenLoop } from '../load/open-loop.ts';
import { seedFields } from '../load/seed.ts';
import type { Delivery, SubscriberPool } from '../load/subscriber-pool.ts';
import { fieldChannel, watchChannel } from '../load/watch-deltas.ts';
import { createToken, createUpdates, createWriters, encodePost, moveParticle } from '../load/writers.ts';
import { format, median, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { RpcProcess } from '../stack/rpc-process.ts';

const field = 'bench-fan-out' as FieldId;
const perSecond = 20;
const ourServer = 'API 1';
const bareServer = 'bare ws';

/** One of the two compared servers. */
interface Server {
  readonly name: typeof ourServer | typeof bareServer;
  readonly url: string;
  readonly protocols: string;
}

interface Measured extends Delivery {
  readonly cpuPercent: number;
  readonly kbPerSocket: number;
}

export const fanOut: Bench = {
  name: 'fan-out',
  about: 'deltas of a hot field to many WebSockets, compared with a plain ws broadcast of the same bytes',
  async run({ stack, isQuick, printLine }) {
    await seedFields(stack, [field], 1000);
    const [address = ''] = stack.addresses;
    const token = await createToken('watcher' as DeviceId);
    const subscribers = new RpcProcess<SubscriberPool>(
      'subscribers',
      import.meta.resolve('../load/subscriber-pool.ts'),
    );
    const broadcast = new RpcProcess<BareBroadcast>(
      'bare broadcast',
      import.meta.resolve('../baselines/bare-broadcast.ts'),
    );
    stack.usage.watch('subscribers', subscribers.pid);
    stack.usage.watch(bareServer, broadcast.pid);
    try {
      const snapshot = await readState(address, token);
      const channel = await fieldChannel(stack, field);
      const bareUrl = await broadcast.call('listen', { cacheUrl: stack.urls.cache, channel, snapshot });
      const servers: Server[] = [
        { name: ourServer, url: `${address}/api/fields/${field}/stream`, protocols: `field.v2, bearer.${token}` },
        { name: bareServer, url: bareUrl, protocols: '' },
      ];
      const sizes = isQuick ? [100] : [1, 500, 1500, 5000];
      const rounds = isQuick ? 1 : 3;
      const found = new Map(
        sizes.map((size) => [size, { [ourServer]: [] as Measured[], [bareServer]: [] as Measured[] }]),
      );
      for (let number = 1; number <= rounds; number++) {
        for (const size of sizes) {
          for (const server of servers) {
            const measured = await measure(stack, subscribers, server, { size, seconds: isQuick ? 1 : 6 });
            found.get(size)?.[server.name].push(measured);
            printLine(
              `round ${number} of ${rounds}: ${size} subscribers, ${server.name}: last p99 ${format(measured.lastP99, 1)} ms`,
            );
          }
        }
      }
      const subscriberCount = isQuick ? 100 : 1500;
      const reconnectStorms = { [ourServer]: [] as number[], [bareServer]: [] as number[] };
      for (let number = 1; number <= (isQuick ? 1 : 3); number++) {
        for (const { name, url, protocols } of servers) {
          reconnectStorms[name].push(
            await subscribers.call('reconnectStorm', { url, protocols, count: subscriberCount }),
          );
          await subscribers.call('unsubscribeAll', null);
        }
        printLine(
          `reconnect storm ${number}: ${subscriberCount} subscribers in ${format(reconnectStorms[ourServer].at(-1) ?? 0)} ms, bare ${format(reconnectStorms[bareServer].at(-1) ?? 0)} ms`,
        );
      }
      return {
        tables: [describeFanOut(found), describeReconnectStorm(subscriberCount, snapshot.length, reconnectStorms)],
        targets: sizes
          .filter((size) => isQuick || size >= 1500)
          .flatMap((size) => createTargets(size, found.get(size))),
      };
    } finally {
      await subscribers.stop();
      await broadcast.stop();
    }
  },
};

async function readState(address: string, token: string): Promise<Buffer> {
  const connection = await HttpConnection.open(address);
  const { body } = await connection.send(encodeRequest({ path: `/api/fields/${field}`, token }));
  connection.close();
  return body;
}

interface MeasureOptions {
  readonly size: number;
  readonly seconds: number;
}

async function measure(
  stack: BenchStack,
  subscribers: RpcProcess<SubscriberPool>,
  server: Server,
  { size, seconds }: MeasureOptions,
): Promise<Measured> {
  const { name, url, protocols } = server;
  const before = stack.usage.readMemoryMb(name);
  await subscribers.call('subscribe', { url, protocols, count: size });
  await delay(1000); // The work of connecting is not part of the measurement.
  const kbPerSocket = (1024 * (stack.usage.readMemoryMb(name) - before)) / size;
  const published: [number, number][] = [];
  const stopChannel = await watchChannel(stack, field, ({ to }) => {
    published.push([versionOf(to), Number(process.hrtime.bigint()) / 1e6]);
  });
  await subscribers.call('clear', null);
  const cpuBefore = stack.usage.readCpuMs().get(name) ?? 0;
  await sendUpdates(stack, seconds);
  const delivery = await subscribers.call('report', { published, timeoutMs: 20_000 });
  const cpuMs = (stack.usage.readCpuMs().get(name) ?? 0) - cpuBefore;
  stopChannel();
  await subscribers.call('unsubscribeAll', null);
  return { ...delivery, cpuPercent: cpuMs / (10 * seconds), kbPerSocket };
}

async function sendUpdates(stack: BenchStack, seconds: number): Promise<void> {
  const writers = await createWriters(perSecond);
  const [url = ''] = stack.addresses;
  await runOpenLoop({
    url,
    devices: writers.length,
    perSecond,
    seconds,
    next: (index) => {
      const writer = writers[index] as (typeof writers)[number];
      return encodePost(writer, field, createUpdates(writer, field, 1, moveParticle(1000)));
    },
    onResponse: () => undefined,
  });
}

type Found = Record<typeof ourServer | typeof bareServer, readonly Measured[]>;

const medianOf = (all: readonly Measured[], what: keyof Measured) => median(all.map((measured) => measured[what]));

function describeFanOut(found: ReadonlyMap<number, Found>): Table {
  return {
    title: `${perSecond} deltas per second: ms from the channel to the subscribers`,
    columns: ['subscribers', 'server', 'p50', 'p99', 'last p50', 'last p99', 'CPU %', 'kB per socket'],
    rows: [...found].flatMap(([size, both]) =>
      [ourServer, bareServer].map((name) => {
        const all = both[name as typeof ourServer];
        const ms = (what: keyof Measured) => format(medianOf(all, what), 1);
        const kb = size < 100 ? '–' : format(medianOf(all, 'kbPerSocket'), 1);
        return [
          size,
          name,
          ms('p50'),
          ms('p99'),
          ms('lastP50'),
          ms('lastP99'),
          format(medianOf(all, 'cpuPercent')),
          kb,
        ];
      }),
    ),
    note: '*last*: until the last subscriber has received it. All subscribers are in one process on the same machine as the server.',
  };
}

function describeReconnectStorm(
  subscriberCount: number,
  bytes: number,
  reconnectStorms: Record<typeof ourServer | typeof bareServer, readonly number[]>,
): Table {
  return {
    title: `${format(subscriberCount)} subscribers connect to a field of 1,000 particles at the same time: ms until each has its snapshot of ${format(bytes / 1000)} kB`,
    columns: ['server', 'median', 'ratio to bare ws'],
    rows: [
      [
        ourServer,
        format(median(reconnectStorms[ourServer])),
        (median(reconnectStorms[ourServer]) / median(reconnectStorms[bareServer])).toFixed(2),
      ],
      [bareServer, format(median(reconnectStorms[bareServer])), '1'],
    ],
  };
}

function createTargets(size: number, both: Found | undefined): Target[] {
  if (!both) return [];
  const [value, limit] = [medianOf(both[ourServer], 'lastP99'), medianOf(both[bareServer], 'lastP99')];
  const [kb, bareKb] = [medianOf(both[ourServer], 'kbPerSocket'), medianOf(both[bareServer], 'kbPerSocket')];
  const ratio = value / limit;
  return [
    {
      what: `${format(size)} subscribers: p99 to the last one, in ms`,
      value: round(value, 1),
      limit: round(limit, 1),
      ratio: round(ratio),
      target: '≤ 1.5 × a bare broadcast',
      met: ratio <= 1.5,
    },
    {
      what: `${format(size)} subscribers: kB per socket`,
      value: round(kb, 1),
      limit: round(bareKb, 1),
      ratio: round(kb / bareKb),
      target: '≤ 20 kB',
      met: kb <= 20,
    },
  ];
}
