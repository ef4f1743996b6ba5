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

/** The lowest of several measurements: what else runs in this process, such as compilation, only adds to it. */
export async function measureTurnsRepeatedly(repetitions: number, work: () => Promise<unknown>): Promise<TurnCost> {
  const costs: TurnCost[] = [];
  for (let index = 0; index < repetitions; index++) costs.push(await measureTurns(work));
  return {
    cpuMs: Math.min(...costs.map(({ cpuMs }) => cpuMs)),
    longestTurnMs: Math.min(...costs.map(({ longestTurnMs }) => longestTurnMs)),
  };
}
