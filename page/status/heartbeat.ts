/**
 * Detects within five seconds that a server has stopped answering on an open stream. The client itself waits longer before it drops
 * a connection, since reconnecting costs more than a ping. Has no timers: the caller passes the time.
 */

/** A ping is sent when nothing has arrived for this long. */
const silenceMs = 2000;
const answerMs = 2200;
/** The deadline while the browser reports that it has lost its network. */
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

  /** To be called when the browser has lost its network: sends a ping at once. */
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
