/**
 * Monitors how durable the writes of a server are. Its settings are polled, since they can change while it runs, and a failover can
 * lead to a server with others. Never overstates durability: without a recent reading it claims `memory`.
 */
import type { Durability } from '../contract/messages.ts';
import type { Logger } from '../process/logger.ts';
import { withTimeout } from '../process/with-timeout.ts';

export interface DurabilityReading {
  /** The durability that receipts may claim. */
  readonly durability: Durability;
  /** The settings that allow confirmed writes to be lost, such as `appendonly is no`. */
  readonly weaknesses: readonly string[];
}

const readIntervalMs = 2000;
/** The pause before the retry of a failed reading. One failure may be a pause of this process; two are not. */
const retryDelayMs = 250;
const readTimeoutMs = 1500;
const maxFailures = 2;
/** Older readings are ignored, such as those of a process that was suspended. */
const maxAgeMs = 5000;

const unreadable: DurabilityReading = { durability: 'memory', weaknesses: ['its settings cannot be read'] };
/** Before the first reading, and while a connection is being restored. */
const unknown: DurabilityReading = { durability: 'memory', weaknesses: [] };

interface DurabilityMonitorDeps {
  /** For the log. */
  readonly server: 'queue' | 'postgres';
  /** Rejects if the server does not answer. */
  readonly read: () => Promise<DurabilityReading>;
  readonly log: Logger;
}

export class DurabilityMonitor {
  readonly #deps: DurabilityMonitorDeps;
  #reading = unknown;
  /** On the monotonic clock. */
  #readAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** Increased when a reading in flight may be of a server that is no longer in use. */
  #generation = 0;
  #loggedWeaknesses = '';
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(deps: DurabilityMonitorDeps) {
    this.#deps = deps;
  }

  get durability(): Durability {
    return this.#current.durability;
  }

  get weaknesses(): readonly string[] {
    return this.#current.weaknesses;
  }

  get #current(): DurabilityReading {
    return performance.now() - this.#readAt <= maxAgeMs ? this.#reading : unknown;
  }

  start(): void {
    void this.#poll();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Forgets the reading, because the connection is lost: the next one may lead to another server. */
  invalidate(): void {
    this.#generation += 1;
    this.#reading = unknown;
  }

  /** Reads the settings now. @throws if the server does not answer */
  async refresh(): Promise<DurabilityReading> {
    const generation = this.#generation;
    const startedAt = performance.now();
    try {
      const reading = await withTimeout(this.#deps.read(), readTimeoutMs);
      if (generation === this.#generation) this.#accept(reading, startedAt);
      return reading;
    } catch (error) {
      if (generation === this.#generation) this.#fail(error);
      throw error;
    }
  }

  async #poll(): Promise<void> {
    // A failure has been recorded by `refresh`.
    await this.refresh().catch(() => undefined);
    const delayMs = this.#failures === 1 ? retryDelayMs : readIntervalMs;
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#poll(), delayMs);
  }

  #accept(reading: DurabilityReading, readAt: number): void {
    this.#failures = 0;
    this.#reading = reading;
    this.#readAt = readAt;
    const { durability, weaknesses } = reading;
    const text = weaknesses.join('; ');
    if (text === this.#loggedWeaknesses) return;
    this.#loggedWeaknesses = text;
    const { log, server } = this.#deps;
    if (weaknesses.length > 0) log.warn({ server, durability, weaknesses }, 'confirmed writes may be lost');
    else log.info({ server, durability }, 'confirmed writes are durable again');
  }

  #fail(err: unknown): void {
    this.#failures += 1;
    if (this.#failures < maxFailures) return;
    const { log, server } = this.#deps;
    if (this.#failures === maxFailures) log.warn({ err, server }, 'durability settings cannot be read');
    this.#reading = unreadable;
    this.#readAt = performance.now();
  }
}
