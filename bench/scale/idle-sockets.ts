/** Thousands of sockets of devices that only watch: what they take of the API, and whether others notice them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Table, Target } from '../bench.ts';
import { seedFields } from '../load/seed.ts';
import { format, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { createFields, openPhones, withPhones } from './open-phones.ts';
import { type ProbeTimes, probe } from './probe.ts';

export interface IdleSize {
  readonly sockets: number;
  readonly fields: number;
  /** The time of each measurement. */
  readonly seconds: number;
  /** How long after the opening the measurements begin. */
  readonly settleMs: number;
  /** Requests of each kind whose times are compared. */
  readonly requests: number;
}

export interface IdleCost {
  readonly size: IdleSize;
  readonly openSeconds: number;
  readonly kbPerSocket: number;
  /** CPU of the API in percent of a core, with no pings but its own. */
  readonly silentPercent: number;
  /** The same with the pings of the clients. */
  readonly pingedPercent: number;
  readonly before: ProbeTimes;
  readonly meanwhile: ProbeTimes;
}

const api = 'API 1';
const particles = 5;
/** That of the client. */
const pingEveryMs = 15_000;

export function measureIdleSockets(stack: BenchStack, size: IdleSize): Promise<IdleCost> {
  const { sockets, seconds, settleMs, requests: count } = size;
  const [url = ''] = stack.addresses;
  const { usage } = stack;
  const measurePercent = async () => {
    const [cpuBefore, startedAt] = [usage.readCpuMs().get(api) ?? 0, performance.now()];
    await delay(1000 * seconds);
    return (100 * ((usage.readCpuMs().get(api) ?? 0) - cpuBefore)) / (performance.now() - startedAt);
  };
  return withPhones(stack, 'idle phones', async (phones) => {
    const fields = createFields('idle', size.fields);
    await seedFields(stack, fields, particles);
    const before = await probe({ url, fields, particles, count });
    await delay(settleMs);
    const memoryBefore = usage.readMemoryMb(api);
    const openMs = await openPhones(phones, { url, fields, sockets });
    await delay(settleMs); // The work of connecting is not part of the measurement.
    const kbPerSocket = (1024 * (usage.readMemoryMb(api) - memoryBefore)) / sockets;
    const silentPercent = await measurePercent();
    await phones.call('ping', { everyMs: pingEveryMs });
    const pingedPercent = await measurePercent();
    const meanwhile = await probe({ url, fields, particles, count });
    await phones.call('stop', null);
    return { size, openSeconds: openMs / 1000, kbPerSocket, silentPercent, pingedPercent, before, meanwhile };
  });
}

export function describeIdle({ size, before, meanwhile, ...cost }: IdleCost): Table[] {
  const sockets = format(size.sockets);
  const ms = (times: ProbeTimes) => [...times.read, ...times.applied].map((value) => format(value, 1));
  return [
    {
      title: `${sockets} sockets that watch ${size.fields} fields in which nothing happens`,
      columns: ['s to open all', 'kB of the API per socket', 'API CPU %', 'API CPU % with pings of the clients'],
      rows: [
        [
          format(cost.openSeconds, 1),
          format(cost.kbPerSocket, 1),
          format(cost.silentPercent, 1),
          format(cost.pingedPercent, 1),
        ],
      ],
      note: `At first the API pings each socket every 20 s; then each client pings the API every ${pingEveryMs / 1000} s instead. 100 % is one core.`,
    },
    {
      title: `Single requests without and with ${sockets} idle sockets, in ms`,
      columns: ['', 'GET p50', 'GET p99', 'POST until applied p50', 'POST until applied p99'],
      rows: [
        ['before', ...ms(before)],
        ['with the sockets', ...ms(meanwhile)],
      ],
      note: `${size.requests} requests of each kind, one after the other. Each update is sent to the sockets that watch its field as well.`,
    },
  ];
}

export function createIdleTargets({ size, kbPerSocket, pingedPercent }: IdleCost): Target[] {
  const sockets = format(size.sockets);
  return [
    {
      what: `${sockets} idle sockets: kB per socket`,
      value: round(kbPerSocket, 1),
      limit: null,
      ratio: null,
      target: '≤ 20 kB',
      met: kbPerSocket <= 20,
    },
    {
      what: `${sockets} idle sockets with pings of the clients: CPU of the API, in % of a core`,
      value: round(pingedPercent, 1),
      limit: null,
      ratio: null,
      target: '≤ 10 %',
      met: pingedPercent <= 10,
    },
  ];
}
