/**
 * Detects leaks: samples open handles and memory of each process after each round, while the system is idle, and estimates
 * the growth per round. Incoming connections are subtracted, since devices move between the APIs. A restarted process
 * starts a new series.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { FaultStack } from '../stack/fault-stack.ts';
import { type Violation, violation } from './violation.ts';

interface Sample {
  readonly round: number;
  /** Open file descriptors without incoming connections. */
  readonly handles: number;
  readonly memoryMb: number;
}

export interface Slope {
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly handlesPerRound: number;
  readonly memoryMbPerRound: number;
}

/** The first rounds are ignored: pools fill and code is compiled. */
const warmUpRounds = 2;
/** A trend is not estimated from fewer samples. */
const minSamples = 5;
/** Above the noise of delayed garbage collection, and far below a leak of one socket per update. */
const maxHandlesPerRound = 3;
const maxMemoryMbPerRound = 8;
const bytesPerPage = 4096;

export class LeakWatch {
  readonly #series = new Map<string, Sample[]>();

  /** Takes one sample of each running process. Call it while the system is idle. */
  sample({ apis, workers, links }: FaultStack, round: number): void {
    for (const { name, pid, isRunning } of [...apis, ...workers]) {
      if (!isRunning) continue;
      const series = this.#series.get(`${name} (pid ${pid})`) ?? [];
      const incoming = links.filter(({ to }) => to === name).reduce((sum, { connections }) => sum + connections, 0);
      series.push({ round, handles: countHandles(pid) - incoming, memoryMb: readMemoryMb(pid) });
      this.#series.set(`${name} (pid ${pid})`, series);
    }
  }

  /** The growth of every process with enough samples. */
  slopes(): Slope[] {
    return [...this.#series].flatMap(([name, all]) => {
      const samples = all.slice(warmUpRounds);
      if (samples.length < minSamples) return [];
      const handlesPerRound = slopeOf(samples.map(({ round, handles }) => [round, handles]));
      const memoryMbPerRound = slopeOf(samples.map(({ round, memoryMb }) => [round, memoryMb]));
      return [{ name, samples, handlesPerRound, memoryMbPerRound }];
    });
  }

  check(): Violation[] {
    return this.slopes()
      .filter((slope) => slope.handlesPerRound > maxHandlesPerRound || slope.memoryMbPerRound > maxMemoryMbPerRound)
      .map((slope) => {
        const series = slope.samples.map(({ handles, memoryMb }) => `${handles}/${memoryMb.toFixed(0)}`).join(' ');
        return violation('leak', `${describeSlope(slope)}: ${series} (handles/MB)`);
      });
  }
}

export function describeSlope({ name, samples, handlesPerRound, memoryMbPerRound }: Slope): string {
  const [handles, memory] = [handlesPerRound.toFixed(2), memoryMbPerRound.toFixed(2)];
  return `${name}: ${handles} handles and ${memory} MB per round over ${samples.length} rounds`;
}

/** The Theil–Sen estimator: the median of the slopes between all pairs of points, so that a single step does not count as growth. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes = points.flatMap(([x, y], index) =>
    points.slice(index + 1).map(([laterX, laterY]) => (laterY - y) / (laterX - x)),
  );
  return slopes.sort((one, other) => one - other)[Math.floor(slopes.length / 2)] ?? 0;
}

function countHandles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function readMemoryMb(pid: number): number {
  const residentPages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return (residentPages * bytesPerPage) / 1024 ** 2;
}
