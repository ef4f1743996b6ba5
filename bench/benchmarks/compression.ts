/** What compressed messages save for watchers of a busy field, and what they cost the API. */
import { setTimeout as delay } from 'node:timers/promises';
import { deflateProtocol, streamProtocol } from '../../shared/contract/wire.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Bench, Table, Target } from '../bench.ts';
import { seedFields } from '../load/seed.ts';
import { sendUpdates } from '../load/send-updates.ts';
import type { SocketPool } from '../load/socket-pool.ts';
import { createToken, moveParticle } from '../load/writers.ts';
import { format, median, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { RpcProcess } from '../stack/rpc-process.ts';

const field = 'bench-compression' as FieldId;
const particles = 1000;
const updatesPerSecond = 2000;
const settleMs = 3000;
const modes = { plain: streamProtocol, compressed: deflateProtocol } as const;
type Mode = keyof typeof modes;

interface Measured {
  readonly snapshotKb: number;
  readonly messagesPerSecond: number;
  readonly kbPerMessage: number;
  readonly cpuPercent: number;
}

interface Case {
  readonly watchers: number;
  readonly mode: Mode;
  readonly rounds: Measured[];
}

export const compression: Bench = {
  name: 'compression',
  about: 'bytes to watchers of a busy field and CPU of the API, with compressed messages and without',
  async run({ stack, isQuick, printLine }) {
    await seedFields(stack, [field], particles);
    const pool = new RpcProcess<SocketPool>('watchers', import.meta.resolve('../load/socket-pool.ts'));
    const sizes = isQuick ? [0, 10] : [0, 1, 100, 500];
    const cases = sizes.flatMap((watchers): Case[] =>
      (watchers === 0 ? (['plain'] as const) : (Object.keys(modes) as Mode[])).map((mode) => ({
        watchers,
        mode,
        rounds: [],
      })),
    );
    try {
      for (let number = 1; number <= (isQuick ? 1 : 2); number += 1) {
        for (const { watchers, mode, rounds } of cases) {
          const measured = await measure(stack, pool, { watchers, mode, seconds: isQuick ? 1 : 6 });
          rounds.push(measured);
          printLine(`round ${number}: ${watchers} ${mode}: ${format(measured.cpuPercent, 1)} % CPU`);
        }
      }
      return { tables: [describe(cases)], targets: createTargets(cases) };
    } finally {
      await pool.stop();
    }
  },
};

async function measure(
  stack: BenchStack,
  pool: RpcProcess<SocketPool>,
  { watchers, mode, seconds }: { readonly watchers: number; readonly mode: Mode; readonly seconds: number },
): Promise<Measured> {
  const [address = ''] = stack.addresses;
  const token = await createToken('watcher' as DeviceId);
  const socket = { url: `${address}/api/fields/${field}/stream`, token, protocol: modes[mode] };
  await pool.call('open', Array(watchers).fill(socket));
  await delay(settleMs);
  const opened = await pool.call('count', null);
  const writing = sendUpdates({
    url: address,
    field,
    updatesPerSecond,
    seconds: seconds + (2 * settleMs) / 1000,
    createUpdate: () => moveParticle(particles),
  });
  await delay(settleMs);
  const before = await pool.call('count', null);
  const cpuBefore = stack.usage.readCpuMs().get('API 1') ?? 0;
  await delay(1000 * seconds);
  const cpuMs = (stack.usage.readCpuMs().get('API 1') ?? 0) - cpuBefore;
  const after = await pool.call('count', null);
  await writing;
  await pool.call('closeAll', null);
  return {
    snapshotKb: opened.bytes / watchers / 1000,
    messagesPerSecond: (after.messages - before.messages) / seconds / watchers,
    kbPerMessage: (after.bytes - before.bytes) / (after.messages - before.messages) / 1000,
    cpuPercent: cpuMs / (10 * seconds),
  };
}

function medianOf({ rounds }: Case, what: keyof Measured): number {
  return median(rounds.map((measured) => measured[what]));
}

function describe(cases: readonly Case[]): Table {
  return {
    title: `A field of ${format(particles)} particles with ${format(updatesPerSecond)} updates per second`,
    columns: ['watchers', 'messages', 'snapshot, kB', 'a second to each', 'kB of each', 'CPU % of the API'],
    rows: cases.map((found) => {
      const { watchers, mode } = found;
      const show = (what: keyof Measured) => (watchers === 0 ? '–' : format(medianOf(found, what), 1));
      const name = watchers === 0 ? '–' : mode;
      const figures = (['snapshotKb', 'messagesPerSecond', 'kbPerMessage'] as const).map(show);
      return [watchers, name, ...figures, format(medianOf(found, 'cpuPercent'), 1)];
    }),
    note: 'The snapshot includes the response to the upgrade. The CPU includes that of accepting the updates.',
  };
}

function createTargets(cases: readonly Case[]): Target[] {
  const most = Math.max(...cases.map(({ watchers }) => watchers));
  const [plain, compressed] = (['plain', 'compressed'] as const).map((mode) =>
    cases.find((found) => found.watchers === most && found.mode === mode),
  );
  if (!plain || !compressed) return [];
  const [value, limit] = [compressed, plain].map((found) => round(medianOf(found, 'kbPerMessage'), 2));
  if (value === undefined || limit === undefined) return [];
  const what = 'kB of a message that may be compressed, of those without';
  return [{ what, value, limit, ratio: round(value / limit), target: '≤ 0.5', met: value <= limit / 2 }];
}
