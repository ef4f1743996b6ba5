/**
 * Decides when a connection is pinged, and when its peer counts as gone. A ping shows that the peer is still there, and keeps
 * proxies from closing a connection on which nothing is sent; while both sides send something by themselves, none is needed.
 */

/** What to do: `nothing`, send a `ping`, or `terminate` the connection, since the last ping was not answered. */
type NextStep = 'nothing' | 'ping' | 'terminate';

export class KeepAlive {
  readonly #intervalMs: number;
  #heardAt: number;
  #sentAt: number;
  /** When the ping was sent that nothing has followed yet. */
  #pingedAt: number | undefined;

  /** @param intervalMs how long either side may be silent, and how long a ping may be unanswered */
  constructor(intervalMs: number, now: number) {
    this.#intervalMs = intervalMs;
    this.#heardAt = now;
    this.#sentAt = now;
  }

  /** To be called when anything has arrived from the peer. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#pingedAt = undefined;
  }

  /** To be called when anything is sent to the peer, except pings. */
  sent(now: number): void {
    this.#sentAt = now;
  }

  /** To be called regularly; the caller does what it returns. */
  next(now: number): NextStep {
    if (this.#pingedAt !== undefined) return now - this.#pingedAt < this.#intervalMs ? 'nothing' : 'terminate';
    if (now - Math.min(this.#heardAt, this.#sentAt) < this.#intervalMs) return 'nothing';
    this.#pingedAt = now;
    this.#sentAt = now;
    return 'ping';
  }
}
