/**
 * Measures the CPU time that work takes, in total and in its longest turn of the event loop. Other processes do not count, and
 * where Linux says so, nor do other threads: while a busy machine lets them run instead of this one, no event waits for its CPU.
 */
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

export interface TurnCost {
  readonly cpuMs: number;
  readonly longestTurnMs: number;
}

const threadStatistics = '/proc/thread-self/schedstat';

function readCpuMs(): number {
  try {
    return Number(readFileSync(threadStatistics, 'utf8').split(' ', 1)[0]) / 1e6;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
}

/** Errors of the work are ignored. */
export async function measureTurns(work: () => Promise<unknown>): Promise<TurnCost> {
  let isRunning = true;
  let cpuMs = 0;
  let longestTurnMs = 0;
  const finished = nextTurn()
    .then(work)
    .catch(() => undefined)
    .finally(() => {
      isRunning = false;
    });
  while (isRunning) {
    const before = readCpuMs();
    await nextTurn();
    const turnMs = readCpuMs() - before;
    cpuMs += turnMs;
    longestTurnMs = Math.max(longestTurnMs, turnMs);
  }
  await finished;
  return { cpuMs, longestTurnMs };
}

/** What takes `referenceMs` on an idle core of the machine that the limits were chosen on. */
const referenceText = JSON.stringify(
  Array.from({ length: 50_000 }, (_, index) => ({ x: index, y: index % 7, value: 0.5 })),
);
const referenceMs = 7.5;

const maxRepetitions = 20;

/** How much more CPU time the same work takes at the moment, because other cores use the caches and the memory: 1 or more. */
function measureSlowdown(): number {
  const before = readCpuMs();
  JSON.parse(referenceText);
  return Math.max(1, (readCpuMs() - before) / referenceMs);
}

/**
 * The lowest of several measurements, as on an idle machine: what else runs in this process, such as compilation, only adds to it, and
 * what runs beside it is measured with known work. Four, and more while the longest turn exceeds `limitMs`: a host that lets other
 * virtual machines run meanwhile counts their time as CPU time.
 */
export async function measureTurnsRepeatedly(limitMs: number, work: () => Promise<unknown>): Promise<TurnCost> {
  let lowest: TurnCost = { cpuMs: Number.POSITIVE_INFINITY, longestTurnMs: Number.POSITIVE_INFINITY };
  for (let count = 0; count < 4 || (count < maxRepetitions && lowest.longestTurnMs > limitMs); count++) {
    const before = measureSlowdown();
    const { cpuMs, longestTurnMs } = await measureTurns(work);
    const slowdown = Math.min(before, measureSlowdown());
    lowest = {
      cpuMs: Math.min(lowest.cpuMs, cpuMs / slowdown),
      longestTurnMs: Math.min(lowest.longestTurnMs, longestTurnMs / slowdown),
    };
  }
  return lowest;
}
