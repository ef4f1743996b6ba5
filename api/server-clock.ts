/**
 * The time in responses, and the limit for timestamps that are too far ahead. It is PostgreSQL's, as everywhere, so that an API
 * with a wrong clock neither misleads devices nor changes which write is newer.
 */
import { PostgresClock } from '../db/read/postgres-clock.ts';
import type { Logger } from '../shared/process/logger.ts';

/** Short enough for the drift of a monotonic clock, and for a failover to a server with another clock. */
const readIntervalMs = 10_000;

interface ServerClockDeps {
  /** Rejects if PostgreSQL does not answer. */
  readonly readTime: () => Promise<number>;
  readonly log: Logger;
}

export class ServerClock {
  readonly #deps: ServerClockDeps;
  readonly #clock = new PostgresClock();
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: ServerClockDeps) {
    this.#deps = deps;
  }

  /** In ms. @throws Error before the first reading */
  now(): number {
    return this.#clock.now();
  }

  /** @throws if PostgreSQL does not answer */
  async read(): Promise<void> {
    await this.#clock.observe(async () => ({ now: await this.#deps.readTime() }));
  }

  /** Reads the time periodically. While PostgreSQL does not answer, the time is extrapolated from the last reading. */
  start(): void {
    this.#timer = setInterval(() => {
      this.read().catch((error) => this.#deps.log.debug({ err: error }, "PostgreSQL's clock could not be read"));
    }, readIntervalMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
