/** Watches processes: the most memory that each has held, and how much CPU time each has used between two looks. */
import { readUsageOfTrees } from '../measure/process-usage.ts';

const sampleIntervalMs = 500;

export class PeakUsage {
  readonly #names = new Map<number, string>();
  readonly #peaks = new Map<string, number>();
  readonly #timer = setInterval(() => this.#sample(), sampleIntervalMs);

  constructor() {
    this.#timer.unref();
  }

  watch(name: string, pid: number): void {
    this.#names.set(pid, name);
  }

  /** CPU time so far in ms, by name. */
  readCpuMs(): ReadonlyMap<string, number> {
    return new Map([...this.#sample()].map(([pid, { cpuMs }]) => [this.#names.get(pid) ?? '', cpuMs]));
  }

  /** Memory of one process now, in MB. */
  readMemoryMb(name: string): number {
    const pids = [...this.#names].filter(([, watchedName]) => watchedName === name).map(([pid]) => pid);
    return Math.max(0, ...[...readUsageOfTrees(pids).values()].map(({ memoryMb }) => memoryMb));
  }

  /** The most that each has held, in MB. */
  readPeaks(): ReadonlyMap<string, number> {
    this.#sample();
    return this.#peaks;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample() {
    const usage = readUsageOfTrees([...this.#names.keys()]);
    for (const [pid, { memoryMb }] of usage) {
      const name = this.#names.get(pid) ?? '';
      this.#peaks.set(name, Math.max(memoryMb, this.#peaks.get(name) ?? 0));
    }
    return usage;
  }
}
