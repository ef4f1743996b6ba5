/** Watches how much waits in the queue, so that updates are turned away before memory grows. */
import { FieldError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { UpdateProducer } from '../shared/update-queue.ts';

const pollMs = 500;
const retryAfterSeconds = 5;

interface BacklogOptions {
  readonly producer: UpdateProducer;
  readonly max: number;
  readonly log: Logger;
  readonly onCount: (waiting: number) => void;
}

export class Backlog {
  readonly #options: BacklogOptions;
  #waiting = 0;
  /** Jobs added by this process since the last look. */
  #added = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#poll();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** @throws FieldError `overloaded` */
  check(): void {
    if (this.#waiting + this.#added > this.#options.max) throw new FieldError('overloaded', { retryAfterSeconds });
  }

  noteAdded(): void {
    this.#added += 1;
  }

  async #poll(): Promise<void> {
    const { producer, log, onCount } = this.#options;
    try {
      this.#waiting = await producer.countBacklog();
      this.#added = 0;
      onCount(this.#waiting);
    } catch (error) {
      // The queue is away: adding to it will say so. What waited before is the best guess for when it is back.
      log.debug({ err: error }, 'backlog not known');
    }
    if (!this.#closed) this.#timer = setTimeout(() => void this.#poll(), pollMs);
  }
}
