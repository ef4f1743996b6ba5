/**
 * Lets updates in a few with each turn of the event loop. A rush of them would otherwise be worked off before anything else
 * that has come in meanwhile, and those who only read would wait for all of it.
 */
const perTurn = 2;

export class IntakeTurns {
  readonly #waiting: (() => void)[] = [];
  #left = perTurn;
  #isTurning = false;

  /** Resolves when it is the caller's turn, in the order of the calls. */
  take(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#admit();
    });
  }

  #admit(): void {
    for (const next of this.#waiting.splice(0, this.#left)) {
      this.#left -= 1;
      next();
    }
    if (this.#isTurning || this.#left === perTurn) return;
    this.#isTurning = true;
    setImmediate(() => {
      this.#isTurning = false;
      this.#left = perTurn;
      this.#admit();
    });
  }
}
