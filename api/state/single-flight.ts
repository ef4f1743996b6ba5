/**
 * Shares one piece of work among all who ask for it at the same time, and never gives anybody an answer that is older
 * than the question. A round begins when the one before it is over, and with all who have asked by the end of that turn
 * of the event loop.
 */
import { setImmediate } from 'node:timers/promises';

export class SingleFlight<Key, Result> {
  readonly #operation: (key: Key) => Promise<Result>;
  /** Settles when the round under way is over; never rejects. */
  readonly #inFlight = new Map<Key, Promise<void>>();
  readonly #queued = new Map<Key, Promise<Result>>();

  constructor(operation: (key: Key) => Promise<Result>) {
    this.#operation = operation;
  }

  run(key: Key): Promise<Result> {
    const known = this.#queued.get(key);
    if (known) return known;
    const next = this.#startAfter(this.#inFlight.get(key)?.then(setImmediate) ?? setImmediate(), key);
    this.#queued.set(key, next);
    return next;
  }

  async #startAfter(previous: Promise<void>, key: Key): Promise<Result> {
    await previous;
    this.#queued.delete(key);
    const result = this.#operation(key);
    this.#inFlight.set(key, this.#trackCompletion(result, key));
    return result;
  }

  async #trackCompletion(result: Promise<Result>, key: Key): Promise<void> {
    await result.catch(() => undefined);
    this.#inFlight.delete(key);
  }
}
