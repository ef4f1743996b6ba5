/** What a system costs that nobody uses: CPU and wake-ups of each process. They decide what many small installations cost. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Bench, Table } from '../bench.ts';
import { seedFields } from '../load/seed.ts';
import { format, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';

const field = 'bench-idle' as FieldId;
const particles = 100;

interface Cost {
  readonly process: string;
  /** Each per second. */
  readonly cpuMs: number;
  readonly wakeUps: number;
  readonly preemptions: number;
}

export const idle: Bench = {
  name: 'idle',
  about: 'CPU and wake-ups of each process of a system that nobody uses',
  async run({ stack, isQuick, printLine }) {
    // The field is one that has been used, and whose deferred work (its snapshot, what is cached) is done.
    await seedFields(stack, [field], particles);
    await delay(isQuick ? 1000 : 10_000);
    const seconds = isQuick ? 2 : 20;
    const costs = await measure(stack, seconds);
    const total = costs.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
    printLine(`${format(total, 1)} ms of CPU per second`);
    return {
      tables: [describe(costs, seconds)],
      targets: [
        {
          what: 'CPU of an idle system, in ms per second',
          value: round(total, 1),
          limit: null,
          ratio: null,
          target: '≤ 20 (2 % of a core)',
          met: total <= 20,
        },
      ],
    };
  },
};

async function measure({ usage }: BenchStack, seconds: number): Promise<Cost[]> {
  const [cpuBefore, switchesBefore] = [usage.readCpuMs(), usage.readContextSwitches()];
  const startedAt = performance.now();
  await delay(1000 * seconds);
  const [cpuAfter, switchesAfter] = [usage.readCpuMs(), usage.readContextSwitches()];
  const passed = (performance.now() - startedAt) / 1000;
  return [...cpuAfter].map(([process, cpuMs]) => {
    const [before, after] = [switchesBefore.get(process), switchesAfter.get(process)];
    return {
      process,
      cpuMs: (cpuMs - (cpuBefore.get(process) ?? 0)) / passed,
      wakeUps: ((after?.voluntary ?? 0) - (before?.voluntary ?? 0)) / passed,
      preemptions: ((after?.involuntary ?? 0) - (before?.involuntary ?? 0)) / passed,
    };
  });
}

function describe(costs: readonly Cost[], seconds: number): Table {
  const sum = (pick: (cost: Cost) => number) => costs.reduce((total, cost) => total + pick(cost), 0);
  const all: Cost = {
    process: 'all',
    cpuMs: sum(({ cpuMs }) => cpuMs),
    wakeUps: sum(({ wakeUps }) => wakeUps),
    preemptions: sum(({ preemptions }) => preemptions),
  };
  return {
    title: `An idle system, per second, over ${seconds} s`,
    columns: ['process', 'CPU, ms', 'wake-ups', 'preemptions'],
    rows: [...costs, all].map(({ process, cpuMs, wakeUps, preemptions }) => [
      process,
      format(cpuMs, 1),
      format(wakeUps, 1),
      format(preemptions, 1),
    ]),
    note:
      'No client is connected. A process includes its children and all their threads. *Wake-ups* are voluntary context switches, ' +
      '*preemptions* involuntary ones, of which other work on the machine is the cause. CPU is counted by the kernel in steps of 10 ms.',
  };
}
