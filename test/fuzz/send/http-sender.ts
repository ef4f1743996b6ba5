/** Sends HTTP attempts and collects all responses. */
import type { HttpAttempt } from '../attempt.ts';
import { HttpConnection, type HttpResponse } from './http-connection.ts';

/** Sends one attempt at a time, over a kept connection where the attempt allows it. */
export class HttpSender {
  readonly #address: string;
  #keptConnection: HttpConnection | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  /** Returns an empty list if the connection ended without a response. */
  async send(attempt: HttpAttempt): Promise<readonly HttpResponse[]> {
    if (attempt.connection === 'kept') return this.#sendOnKeptConnection(attempt.bytes);
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
    this.#keptConnection?.close();
  }

  async #sendOnKeptConnection(bytes: Buffer): Promise<readonly HttpResponse[]> {
    if (!this.#keptConnection?.isUsable) {
      this.#keptConnection?.close();
      this.#keptConnection = new HttpConnection(this.#address);
    }
    this.#keptConnection.write(bytes);
    const response = await this.#keptConnection.next();
    return response ? [response] : [];
  }
}
