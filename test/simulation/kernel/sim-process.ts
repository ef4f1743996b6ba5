/**
 * One simulated operating-system process: its wall clock, and whether its events run. A process that was killed never runs
 * again; a restart is a new process. A paused one runs late everything that became due meanwhile.
 */
export type ProcessState = 'running' | 'paused' | 'killed';

export class SimProcess {
  readonly name: string;
  /** How far the wall clock is from virtual time, in ms. The monotonic clock is always virtual time. */
  clockOffsetMs = 0;
  #state: ProcessState = 'running';
  /** What became due while the process was paused, in order. */
  #held: (() => void)[] = [];

  constructor(name: string, clockOffsetMs = 0) {
    this.name = name;
    this.clockOffsetMs = clockOffsetMs;
  }

  get state(): ProcessState {
    return this.#state;
  }

  hold(work: () => void): void {
    this.#held.push(work);
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  /** @returns what became due in the meantime */
  resume(): readonly (() => void)[] {
    if (this.#state !== 'paused') return [];
    this.#state = 'running';
    const held = this.#held;
    this.#held = [];
    return held;
  }

  kill(): void {
    this.#state = 'killed';
    this.#held = [];
  }
}
