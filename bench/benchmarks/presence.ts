/** What moving cursors cost: CPU of the API, and bytes to the watchers, by their numbers. */
import { setTimeout as delay } from 'node:timers/promises';
import { maxFieldBytesPerSecond } from '../../api/streaming/presence-broadcaster.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Bench, Table, Target } from '../bench.ts';
import type { SocketPool } from '../load/socket-pool.ts';
import { createToken } from '../load/writers.ts';
import { format, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { RpcProcess } from '../stack/rpc-process.ts';

const field = 'bench-presence' as FieldId;
const movesPerSecond = 10;
const settleMs = 3000;

interface Scenario {
  readonly watchers: number;
  readonly cursors: number;
}

interface Measured extends Scenario {
  readonly apiPercent: number;
  readonly redisPercent: number;
  readonly messagesPerSecond: number;
  readonly mbPerSecond: number;
  readonly kbPerMessage: number;
}

const scenarios: readonly Scenario[] = [
  { watchers: 5000, cursors: 0 },
  { watchers: 5000, cursors: 10 },
  { watchers: 500, cursors: 200 },
  { watchers: 5000, cursors: 200 },
];

export const presence: Bench = {
  name: 'presence',
  about: 'moving cursors that thousands of WebSockets watch: CPU and bytes',
  async run({ stack, isQuick, printLine }) {
    const [address = ''] = stack.addresses;
    const pool = new RpcProcess<SocketPool>('watchers', import.meta.resolve('../load/socket-pool.ts'));
    const measured: Measured[] = [];
    try {
      for (const scenario of isQuick ? [{ watchers: 100, cursors: 20 }] : scenarios) {
        const found = await measure({ stack, pool, address }, scenario, isQuick ? 1 : 10);
        measured.push(found);
        printLine(
          `${scenario.watchers} watchers, ${scenario.cursors} cursors: ${format(found.mbPerSecond, 1)} MB/s, API ${format(found.apiPercent)} % of a core`,
        );
      }
    } finally {
      await pool.stop();
    }
    return { tables: [describe(measured)], targets: createTargets(measured) };
  },
};

interface MeasureDeps {
  readonly stack: BenchStack;
  readonly pool: RpcProcess<SocketPool>;
  readonly address: string;
}

async function measure({ stack, pool, address }: MeasureDeps, scenario: Scenario, seconds: number): Promise<Measured> {
  const { watchers, cursors } = scenario;
  const devices = Array.from({ length: watchers }, (_, index) => `visitor-${index}` as DeviceId);
  const tokens = await Promise.all(devices.map(createToken));
  const url = `${address}/api/fields/${field}/stream`;
  await pool.call(
    'open',
    tokens.map((token) => ({ url, token })),
  );
  await pool.call('move', { cursors, perSecond: movesPerSecond });
  await delay(settleMs); // The work of connecting is not part of the measurement.
  const [before, cpuBefore] = [await pool.call('count', null), stack.usage.readCpuMs()];
  await delay(1000 * seconds);
  const [after, cpuAfter] = [await pool.call('count', null), stack.usage.readCpuMs()];
  await pool.call('stop', null);
  await pool.call('closeAll', null);
  const messages = after.messages - before.messages;
  const bytes = after.bytes - before.bytes;
  const percentOf = (name: string) => ((cpuAfter.get(name) ?? 0) - (cpuBefore.get(name) ?? 0)) / (10 * seconds);
  return {
    ...scenario,
    apiPercent: percentOf('API 1'),
    redisPercent: percentOf('cache Redis'),
    messagesPerSecond: messages / watchers / seconds,
    mbPerSecond: bytes / 1e6 / seconds,
    kbPerMessage: messages === 0 ? 0 : bytes / messages / 1000,
  };
}

function describe(measured: readonly Measured[]): Table {
  return {
    title: `Cursors that each move ${movesPerSecond} times a second`,
    columns: [
      'watchers',
      'cursors',
      'messages a second to each',
      'kB per message',
      'MB/s to all',
      'API CPU %',
      'Redis CPU %',
    ],
    rows: measured.map(({ watchers, cursors, ...found }) => [
      format(watchers),
      cursors,
      format(found.messagesPerSecond, 1),
      format(found.kbPerMessage, 1),
      format(found.mbPerSecond, 1),
      format(found.apiPercent),
      format(found.redisPercent, 1),
    ]),
    note: 'The watchers are devices of their own, each with a WebSocket to one API. 100 % is one core.',
  };
}

function createTargets(measured: readonly Measured[]): Target[] {
  const limit = round(maxFieldBytesPerSecond / 1e6, 1);
  return measured.map(({ watchers, cursors, mbPerSecond }) => ({
    what: `${format(watchers)} watchers of ${cursors} cursors: MB/s to all`,
    value: round(mbPerSecond, 1),
    limit,
    ratio: round(mbPerSecond / limit),
    target: '≤ 1.25 × the limit',
    // A message that begins before the end of the measurement counts as a whole.
    met: mbPerSecond <= limit * 1.25,
  }));
}
