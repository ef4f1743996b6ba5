/** Bounds the messages of each user that this process has received and not handled yet, over all of the user's sockets. */

export const maxBytesPerUser = 8 * 1024 * 1024;

export class UnhandledBytes {
  readonly #bytes = new Map<string, number>();

  /** @returns false, and counts nothing, if the user has too many already */
  tryAdd(user: string, bytes: number): boolean {
    const total = (this.#bytes.get(user) ?? 0) + bytes;
    if (total > maxBytesPerUser) return false;
    this.#bytes.set(user, total);
    return true;
  }

  remove(user: string, bytes: number): void {
    const left = (this.#bytes.get(user) ?? 0) - bytes;
    if (left > 0) this.#bytes.set(user, left);
    else this.#bytes.delete(user);
  }
}
