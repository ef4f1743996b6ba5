/**
 * Shares one piece of work among all who ask for it at the same time, and never gives anybody an answer that is older
 * than the question. A round begins when the one before it is over, and with all who have asked by the end of that turn
 * of the event loop.
 */
import { setImmediate as endOfTurn } from 'node:timers/promises';

export class Coalescer<Key, Answer> {
  readonly #work: (key: Key) => Promise<Answer>;
  /** Settles when the round under way is over; never rejects. */
  readonly #running = new Map<Key, Promise<void>>();
  readonly #next = new Map<Key, Promise<Answer>>();

  constructor(work: (key: Key) => Promise<Answer>) {
    this.#work = work;
  }

  ask(key: Key): Promise<Answer> {
    const known = this.#next.get(key);
    if (known) return known;
    const next = this.#startAfter(this.#running.get(key)?.then(endOfTurn) ?? endOfTurn(), key);
    this.#next.set(key, next);
    return next;
  }

  async #startAfter(before: Promise<void>, key: Key): Promise<Answer> {
    await before;
    this.#next.delete(key);
    const answer = this.#work(key);
    this.#running.set(key, this.#end(answer, key));
    return answer;
  }

  async #end(answer: Promise<Answer>, key: Key): Promise<void> {
    await answer.catch(() => undefined);
    this.#running.delete(key);
  }
}
