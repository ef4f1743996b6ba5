/**
 * Notices within five seconds that a server has stopped to answer on an open stream: the client itself waits longer before it gives up a
 * connection, since opening another one costs more than a question. Has no timers: the caller passes the time.
 */

/** The server is asked when nothing has arrived for as long. */
const silenceMs = 2000;
const answerMs = 2200;
/** When the browser says that it has lost its network. */
const hurriedAnswerMs = 1200;

export class Heartbeat {
  readonly #ask: () => void;
  #heardAt = 0;
  #askedAt: number | undefined;
  #answerMs = answerMs;
  #isAnswering = true;

  /** @param ask sends the server a message that it answers */
  constructor(ask: () => void) {
    this.#ask = ask;
  }

  get isAnswering(): boolean {
    return this.#isAnswering;
  }

  /** To be called for everything that arrives, and when a stream was opened. */
  hear(now: number): void {
    this.#heardAt = now;
    this.#askedAt = undefined;
    this.#isAnswering = true;
  }

  /** The browser has lost its network: asks at once. */
  suspect(now: number): void {
    this.#answerMs = hurriedAnswerMs;
    this.#askedAt = now;
    this.#ask();
  }

  /** To be called several times a second while a stream is open. */
  check(now: number): void {
    if (this.#askedAt === undefined) {
      if (now - this.#heardAt < silenceMs) return;
      this.#answerMs = answerMs;
      this.#askedAt = now;
      this.#ask();
    } else if (now - this.#askedAt >= this.#answerMs) this.#isAnswering = false;
  }
}
