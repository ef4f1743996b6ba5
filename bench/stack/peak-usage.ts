/** Samples the memory and CPU time of processes and records their peak memory. */
import { type ContextSwitches, readContextSwitchesOfTrees, readUsageOfTrees } from '../measure/process-usage.ts';

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

  /** CPU time used so far in ms, by process name. */
  readCpuMs(): ReadonlyMap<string, number> {
    return new Map([...this.#sample()].map(([pid, { cpuMs }]) => [this.#names.get(pid) ?? '', cpuMs]));
  }

  /** Context switches so far, by process name. */
  readContextSwitches(): ReadonlyMap<string, ContextSwitches> {
    const switches = readContextSwitchesOfTrees([...this.#names.keys()]);
    return new Map([...switches].map(([pid, counts]) => [this.#names.get(pid) ?? '', counts]));
  }

  /** Current memory of a process in MB. */
  readMemoryMb(name: string): number {
    const pids = [...this.#names].filter(([, watchedName]) => watchedName === name).map(([pid]) => pid);
    return Math.max(0, ...[...readUsageOfTrees(pids).values()].map(({ memoryMb }) => memoryMb));
  }

  /** Peak memory in MB, by process name. */
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
