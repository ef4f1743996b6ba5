/**
 * Whether a process leaks: its open handles and its memory at rest after each round, and the slope of the line that fits
 * most of them. Connections that somebody holds to it are not its own: devices move from one API to the other. A process
 * that the nemesis has ended starts a new series.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { FaultStack } from '../stack/fault-stack.ts';
import { type Violation, violation } from './violation.ts';

interface Sample {
  readonly round: number;
  /** Without the connections that others hold to it. */
  readonly handles: number;
  readonly memoryMb: number;
}

export interface Slope {
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly handlesPerRound: number;
  readonly memoryMbPerRound: number;
}

/** Pools fill and code is compiled in the first rounds. */
const warmUpRounds = 2;
/** Fewer points than this show no trend. */
const minSamples = 5;
/** A heap that has not been collected for a while looks like this much, a leak of one socket an update like far more. */
const maxHandlesPerRound = 3;
const maxMemoryMbPerRound = 8;
const bytesPerPage = 4096;

export class LeakWatch {
  readonly #series = new Map<string, Sample[]>();

  /** Call when nothing moves. */
  sample({ apis, workers, links }: FaultStack, round: number): void {
    for (const { name, pid, isRunning } of [...apis, ...workers]) {
      if (!isRunning) continue;
      const series = this.#series.get(`${name} (pid ${pid})`) ?? [];
      const held = links.filter(({ to }) => to === name).reduce((sum, { connections }) => sum + connections, 0);
      series.push({ round, handles: countHandles(pid) - held, memoryMb: readMemoryMb(pid) });
      this.#series.set(`${name} (pid ${pid})`, series);
    }
  }

  /** Of every process that lived long enough. */
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
  return `${name}: ${handles} handles and ${memory} MB a round over ${samples.length} rounds`;
}

/** The median of the slopes between any two points (Theil and Sen): a step is no leak. */
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
