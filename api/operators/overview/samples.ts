/** What this process has measured in the last hour, for the charts of operators. */

const intervalMs = 10_000;
const maxSamples = 360;

export interface Sample {
  /** In ms since the epoch. */
  readonly at: number;
  /** Jobs that wait or are worked on, in both queues; undefined if they could not be counted. */
  readonly backlog: number | undefined;
  /** Updates that this process has accepted, per second. */
  readonly acceptedPerSecond: number;
}

export interface SamplesDeps {
  readonly countBacklog: () => Promise<number | undefined>;
  /** How many updates this process has accepted since it was started. */
  readonly countAccepted: () => Promise<number>;
}

export class Samples {
  readonly #deps: SamplesDeps;
  #samples: Sample[] = [];
  #accepted = 0;
  #acceptedAt = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(deps: SamplesDeps) {
    this.#deps = deps;
  }

  /** The oldest first. */
  get all(): readonly Sample[] {
    return this.#samples;
  }

  start(): void {
    this.#timer = setInterval(() => void this.take(), intervalMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Never rejects. */
  async take(): Promise<void> {
    const { countBacklog, countAccepted } = this.#deps;
    const [backlog, accepted] = await Promise.all([countBacklog().catch(() => undefined), countAccepted()]);
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.#acceptedAt) / 1000);
    const acceptedPerSecond = Math.max(0, accepted - this.#accepted) / seconds;
    [this.#accepted, this.#acceptedAt] = [accepted, now];
    this.#samples = [...this.#samples, { at: Date.now(), backlog, acceptedPerSecond }].slice(-maxSamples);
  }
}
