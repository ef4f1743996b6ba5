/**
 * Single-flight: concurrent calls with one key share one operation. An operation never starts before its callers, so that
 * a result is never stale. It starts when the previous one for that key has ended, one tick of the event loop later, and
 * serves all calls made until then.
 */
import { setImmediate } from 'node:timers/promises';

export class SingleFlight<Key, Result> {
  readonly #operation: (key: Key) => Promise<Result>;
  /** For each key, resolves when its running operation has ended; never rejects. */
  readonly #inFlight = new Map<Key, Promise<void>>();
  /** For each key, the result of the operation that has not started yet. */
  readonly #queued = new Map<Key, Promise<Result>>();

  constructor(operation: (key: Key) => Promise<Result>) {
    this.#operation = operation;
  }

  /** @throws whatever the operation throws */
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
