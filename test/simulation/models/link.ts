/**
 * The network between one process and one server. A cut link refuses connections, or swallows what is sent; a request whose
 * answer is lost was carried out all the same.
 */
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { VirtualTime } from '../kernel/virtual-time.ts';

export type LinkState = 'ok' | 'refused' | 'silent';

/** What a link leads to. */
export interface Reachable {
  isUp: boolean;
  /** Until then, in ms of virtual time, requests are received and not worked on. */
  stalledUntil: number;
}

export type LinkFailure = 'refused' | 'timeout' | 'reset';

export interface LinkOptions {
  readonly timeoutMs: number;
  /** Whether requests and answers keep their order, as on one connection. */
  readonly isOrdered: boolean;
  readonly createError: (failure: LinkFailure) => Error;
}

export interface LinkDeps {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly server: Reachable;
}

export class Link {
  /** The probability that an answer is lost. */
  answerLoss = 0;
  /** Added to every way, in ms. */
  slownessMs = 0;
  readonly #deps: LinkDeps;
  readonly #options: LinkOptions;
  readonly #onReset = new Set<() => void>();
  #state: LinkState = 'ok';
  #lastArrivalAt = 0;
  #lastAnswerAt = 0;

  constructor(deps: LinkDeps, options: LinkOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  set state(state: LinkState) {
    this.#state = state;
    if (state === 'refused') for (const listener of [...this.#onReset]) listener();
  }

  /** Whether what the server sends now is lost. */
  losesAnswer(): boolean {
    return this.#deps.random.chance(this.answerLoss);
  }

  /** Of one way, in ms. */
  latency(): number {
    return 0.1 + 2 * this.#deps.random.next() ** 3 + this.slownessMs * this.#deps.random.next();
  }

  /**
   * For connections that are kept: a link that refuses resets them, which both sides notice.
   * @returns a function that removes the listener
   */
  onReset(listener: () => void): () => void {
    this.#onReset.add(listener);
    return () => void this.#onReset.delete(listener);
  }

  repair(): void {
    this.state = 'ok';
    this.answerLoss = 0;
    this.slownessMs = 0;
  }

  /** Has the server carry out a request of the current process. */
  request<Answer>(serve: () => Answer | Promise<Answer>, timeoutMs: number = this.#options.timeoutMs): Promise<Answer> {
    const { time, server } = this.#deps;
    const { createError } = this.#options;
    const owner = time.current;
    return new Promise((resolve, reject) => {
      const timer = time.scheduleFor(owner, timeoutMs, () => reject(createError('timeout')));
      const settle = (delayMs: number, act: () => void) =>
        time.scheduleFor(owner, delayMs, () => {
          timer.isCancelled = true;
          act();
        });
      const refuse = () => settle(this.latency(), () => reject(createError('refused')));
      const answer = (act: () => void) => {
        if (this.state === 'silent') return;
        const isLost = this.state === 'refused' || this.losesAnswer();
        settle(this.#answerDelay(), isLost ? () => reject(createError('reset')) : act);
      };
      if (this.state === 'refused' || !server.isUp) return void refuse();
      if (this.state === 'silent') return;
      const work = () => {
        if (!server.isUp) return void refuse();
        const stalledMs = server.stalledUntil - time.now;
        if (stalledMs > 0) return void time.scheduleFor(undefined, stalledMs, work);
        void carryOut(serve, answer, resolve, reject);
      };
      time.scheduleFor(undefined, this.#arrivalDelay(), work);
    });
  }

  #arrivalDelay(): number {
    const { now } = this.#deps.time;
    const at = now + this.latency();
    this.#lastArrivalAt = this.#options.isOrdered ? Math.max(at, this.#lastArrivalAt) : at;
    return this.#lastArrivalAt - now;
  }

  #answerDelay(): number {
    const { now } = this.#deps.time;
    const at = now + this.latency();
    this.#lastAnswerAt = this.#options.isOrdered ? Math.max(at, this.#lastAnswerAt) : at;
    return this.#lastAnswerAt - now;
  }
}

/** Answers at once when the server does, so that answers keep the order of the requests. */
async function carryOut<Answer>(
  serve: () => Answer | Promise<Answer>,
  answer: (act: () => void) => void,
  resolve: (value: Answer) => void,
  reject: (error: unknown) => void,
): Promise<void> {
  try {
    const result = serve();
    if (!(result instanceof Promise)) return answer(() => resolve(result));
    const value = await result;
    answer(() => resolve(value));
  } catch (error) {
    answer(() => reject(error));
  }
}
