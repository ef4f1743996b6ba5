/** Watches processes: the most memory that each has held, and how much CPU time each has used between two looks. */
import { usageOfTrees } from '../measure/process-usage.ts';

const everyMs = 500;

export class PeakUsage {
  readonly #names = new Map<number, string>();
  readonly #peaks = new Map<string, number>();
  readonly #timer = setInterval(() => this.#look(), everyMs);

  constructor() {
    this.#timer.unref();
  }

  watch(name: string, pid: number): void {
    this.#names.set(pid, name);
  }

  /** CPU time so far in ms, by name. */
  cpuMs(): ReadonlyMap<string, number> {
    return new Map([...this.#look()].map(([pid, { cpuMs }]) => [this.#names.get(pid) ?? '', cpuMs]));
  }

  /** Memory of one process now, in MB. */
  memoryMb(name: string): number {
    const pids = [...this.#names].filter(([, one]) => one === name).map(([pid]) => pid);
    return Math.max(0, ...[...usageOfTrees(pids).values()].map(({ memoryMb }) => memoryMb));
  }

  /** The most that each has held, in MB. */
  peaks(): ReadonlyMap<string, number> {
    this.#look();
    return this.#peaks;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look() {
    const usage = usageOfTrees([...this.#names.keys()]);
    for (const [pid, { memoryMb }] of usage) {
      const name = this.#names.get(pid) ?? '';
      this.#peaks.set(name, Math.max(memoryMb, this.#peaks.get(name) ?? 0));
    }
    return usage;
  }
}
