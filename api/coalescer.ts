/**
 * Shares one piece of work among all who ask for it at the same time, and never gives anybody an answer that is older
 * than the question: who asks while the work is under way shares the next round with all others who do.
 */
export class Coalescer<Key, Answer> {
  readonly #work: (key: Key) => Promise<Answer>;
  /** Settles when the round under way is over; never rejects. */
  readonly #running = new Map<Key, Promise<void>>();
  readonly #next = new Map<Key, Promise<Answer>>();

  constructor(work: (key: Key) => Promise<Answer>) {
    this.#work = work;
  }

  ask(key: Key): Promise<Answer> {
    const next = this.#next.get(key);
    if (next) return next;
    const running = this.#running.get(key);
    if (!running) return this.#start(key);
    const following = running.then(() => {
      this.#next.delete(key);
      return this.#start(key);
    });
    this.#next.set(key, following);
    return following;
  }

  #start(key: Key): Promise<Answer> {
    const answer = this.#work(key);
    const end = () => void this.#running.delete(key);
    this.#running.set(key, answer.then(end, end));
    return answer;
  }
}
