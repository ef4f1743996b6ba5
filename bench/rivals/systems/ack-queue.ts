/** The updates of one socket that are not acknowledged yet. Acknowledgements come in the order of the messages, and name none. */
export class AckQueue {
  #waiting: { resolve(): void; reject(error: Error): void }[] = [];

  /** Resolves at the acknowledgement of the message that was sent last. */
  wait(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  acknowledge(): void {
    this.#waiting.shift()?.resolve();
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
