/** Sends what a kind has made over HTTP, and tells all that came back. */
import type { HttpAttempt } from '../attempt.ts';
import { type HttpAnswer, HttpConnection } from './http-connection.ts';

/** A lane sends one request after the other, over one connection where they allow it. */
export class HttpLane {
  readonly #address: string;
  #kept: HttpConnection | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  /** An empty list: the connection ended without a word. */
  async send(attempt: HttpAttempt): Promise<readonly HttpAnswer[]> {
    if (attempt.connection === 'kept') return this.#ask(attempt.bytes);
    const connection = new HttpConnection(this.#address);
    try {
      connection.write(attempt.bytes);
      if (attempt.connection === 'broken-off') connection.end();
      const first = await connection.next();
      connection.end();
      return first ? [first, ...(await connection.rest())] : [];
    } finally {
      connection.close();
    }
  }

  close(): void {
    this.#kept?.close();
  }

  async #ask(bytes: Buffer): Promise<readonly HttpAnswer[]> {
    if (!this.#kept?.isUsable) {
      this.#kept?.close();
      this.#kept = new HttpConnection(this.#address);
    }
    this.#kept.write(bytes);
    const answer = await this.#kept.next();
    return answer ? [answer] : [];
  }
}
