/** What a watcher of 1 % of a busy field receives, and what watchers cost the API, with and without a region. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';
import type { Bench, Table, Target } from '../bench.ts';
import { seedFields } from '../load/seed.ts';
import { sendUpdates } from '../load/send-updates.ts';
import type { SocketPool } from '../load/socket-pool.ts';
import { createToken } from '../load/writers.ts';
import { format, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { RpcProcess } from '../stack/rpc-process.ts';

const field = 'bench-regions' as FieldId;
const particles = 1000;
const columns = 40;
const rows = particles / columns;
/** Ten of the particles: 1 %. */
const regionSize = { width: 4, height: 2.5 };
const updatesPerSecond = 2000;
const settleMs = 2000;

/** Watchers of the same updates at the same time. */
interface Audience {
  readonly name: string;
  readonly pool: RpcProcess<SocketPool>;
  readonly watchers: number;
  readonly isRegional: boolean;
}

interface Measured extends Omit<Audience, 'pool'> {
  readonly kbPerSecond: number;
  readonly messagesPerSecond: number;
}

export const regions: Bench = {
  name: 'regions',
  about: 'bytes to watchers of 1 % of a busy field, compared with those to a watcher of all of it',
  async run({ stack, isQuick }) {
    await seedFields(stack, [field], particles);
    const openPool = (name: string) => new RpcProcess<SocketPool>(name, import.meta.resolve('../load/socket-pool.ts'));
    const audiences: Audience[] = [
      { name: 'all', pool: openPool('watchers of all'), watchers: 1, isRegional: false },
      { name: '1 %', pool: openPool('watchers of parts'), watchers: isQuick ? 10 : 200, isRegional: true },
    ];
    try {
      const measured = await measure(stack, audiences, isQuick ? 2 : 10);
      return { tables: [describe(measured)], targets: createTargets(measured) };
    } finally {
      for (const { pool } of audiences) await pool.stop();
    }
  },
};

async function measure(stack: BenchStack, audiences: readonly Audience[], seconds: number): Promise<Measured[]> {
  const [address = ''] = stack.addresses;
  const token = await createToken('watcher' as DeviceId);
  for (const { pool, watchers, isRegional } of audiences) {
    const sockets = Array.from({ length: watchers }, (_, index) => {
      const query = isRegional ? `?region=${regionOf(index)}` : '';
      return { url: `${address}/api/fields/${field}/stream${query}`, token };
    });
    await pool.call('open', sockets);
  }
  const countAll = () => Promise.all(audiences.map(({ pool }) => pool.call('count', null)));
  const writing = sendUpdates({
    url: address,
    field,
    updatesPerSecond,
    seconds: seconds + settleMs / 1000,
    createUpdate: moveAtHome,
  });
  await delay(settleMs);
  const before = await countAll();
  await delay(1000 * seconds);
  const after = await countAll();
  await writing;
  return audiences.map(({ name, watchers, isRegional }, index) => {
    const [start, end] = [before[index], after[index]];
    const perSecond = (what: 'bytes' | 'messages') =>
      ((end?.[what] ?? Number.NaN) - (start?.[what] ?? 0)) / seconds / watchers;
    const found = { kbPerSecond: perSecond('bytes') / 1000, messagesPerSecond: perSecond('messages') };
    return { name, watchers, isRegional, ...found };
  });
}

/** Each watcher has another one. */
function regionOf(index: number): string {
  const x = (index * 7) % (columns - regionSize.width);
  const y = (index * 3) % (rows - regionSize.height);
  return [x, y, x + regionSize.width, y + regionSize.height].join(',');
}

/** Moves particles within the square in which each of them is at home. */
function moveAtHome(writer: number): (counter: number) => Update {
  return (counter) => {
    const particle = (counter * 389 + writer * 97) % particles;
    const [x, y] = [particle % columns, Math.floor(particle / columns)];
    const shift = (counter % 10) / 10;
    const position = { x: x + shift, y: y + shift, z: 0 };
    const put = { kind: 'particle.put', id: `star-${particle}`, position, resonance: shift } as const;
    return { counter, timestamp: Date.now(), seen: 0, ...put };
  };
}

function describe(measured: readonly Measured[]): Table {
  return {
    title: `A field of ${format(particles)} particles with ${format(updatesPerSecond)} updates per second`,
    columns: ['watch', 'watchers', 'kB/s to each', 'messages a second to each'],
    rows: measured.map(({ name, watchers, kbPerSecond, messagesPerSecond }) => [
      name,
      watchers,
      format(kbPerSecond, 1),
      format(messagesPerSecond, 1),
    ]),
    note: 'All of them watch at the same time, each watcher of a part another one.',
  };
}

function createTargets(measured: readonly Measured[]): Target[] {
  const [all, part] = [false, true].map((isRegional) => measured.find((found) => found.isRegional === isRegional));
  const [value, limit] = [round(part?.kbPerSecond ?? Number.NaN, 1), round(all?.kbPerSecond ?? Number.NaN, 1)];
  const what = 'kB/s to a watcher of 1 %, of those to a watcher of all';
  return [{ what, value, limit, ratio: round(value / limit, 3), target: '≤ 1.5 %', met: value <= 0.015 * limit }];
}
