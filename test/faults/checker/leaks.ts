/**
 * Detects leaks: samples open handles and live memory of each process after each round, while the system is idle, and
 * estimates the growth per round. Incoming connections are subtracted, since devices move between the APIs. A restarted
 * process starts a new series.
 *
 * Memory is judged by what remains after a full garbage collection. The resident memory of a process is only reported: V8
 * lets its young generation grow with the load and gives little back, under Node 24 by some 70 MB within ten rounds in
 * which the live memory of a worker does not grow at all.
 */
import { readdirSync } from 'node:fs';
import type { FaultStack } from '../stack/fault-stack.ts';
import { type MemoryUse, readMemory } from '../stack/read-memory.ts';
import { type Violation, violation } from './violation.ts';

interface Sample extends MemoryUse {
  readonly round: number;
  /** Open file descriptors without incoming connections. */
  readonly handles: number;
}

export interface Slope {
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly handlesPerRound: number;
  readonly liveMbPerRound: number;
}

/** The first rounds are ignored: pools fill and code is compiled. */
const warmUpRounds = 2;
/** A trend is not estimated from fewer samples. */
const minSamples = 5;
/** Far below a leak of one socket per update. */
const maxHandlesPerRound = 3;
/** Less than 4 kB per update in a short round. Replay buffers that are still filling grow by up to 2 MB per round. */
const maxLiveMbPerRound = 3;

export class LeakWatch {
  readonly #series = new Map<string, Sample[]>();

  /** Takes one sample of each running process. Call it while the system is idle. */
  async sample({ apis, workers, links, folder }: FaultStack, round: number): Promise<void> {
    for (const { name, pid, isRunning } of [...apis, ...workers]) {
      const memory = isRunning && (await readMemory(folder, name));
      if (!memory) continue;
      const series = this.#series.get(`${name} (pid ${pid})`) ?? [];
      const incoming = links.filter(({ to }) => to === name).reduce((sum, { connections }) => sum + connections, 0);
      series.push({ round, handles: countHandles(pid) - incoming, ...memory });
      this.#series.set(`${name} (pid ${pid})`, series);
    }
  }

  /** The growth of every process with enough samples. */
  slopes(): Slope[] {
    return [...this.#series].flatMap(([name, all]) => {
      const samples = all.slice(warmUpRounds);
      if (samples.length < minSamples) return [];
      const handlesPerRound = slopeOf(samples.map(({ round, handles }) => [round, handles]));
      const liveMbPerRound = slopeOf(samples.map(({ round, liveMb }) => [round, liveMb]));
      return [{ name, samples, handlesPerRound, liveMbPerRound }];
    });
  }

  check(): Violation[] {
    return this.slopes()
      .filter((slope) => slope.handlesPerRound > maxHandlesPerRound || slope.liveMbPerRound > maxLiveMbPerRound)
      .map((slope) => {
        const series = slope.samples
          .map(({ handles, liveMb, residentMb }) => `${handles}/${liveMb.toFixed(1)}/${residentMb.toFixed(0)}`)
          .join(' ');
        return violation('leak', `${describeSlope(slope)}: ${series} (handles/live MB/resident MB)`);
      });
  }
}

export function describeSlope({ name, samples, handlesPerRound, liveMbPerRound }: Slope): string {
  const growth = `${handlesPerRound.toFixed(2)} handles and ${liveMbPerRound.toFixed(2)} MB of live memory per round`;
  const { liveMb = 0, residentMb = 0 } = samples.at(-1) ?? {};
  const atTheEnd = `${liveMb.toFixed(1)} MB live, ${residentMb.toFixed(0)} MB resident`;
  return `${name}: ${growth} over ${samples.length} rounds; at the end ${atTheEnd}`;
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
