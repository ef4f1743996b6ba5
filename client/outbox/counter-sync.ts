/**
 * What must be clear before the first update is sent: up to which counter the server knows the device. It is asked once in
 * each process, and again when a counter turned out to be used.
 */

import { type AskField, RequestError } from '../connection/http.ts';
import type { Credentials } from '../connection/token-provider.ts';
import type { Outbox } from './outbox.ts';

export interface SessionOptions {
  readonly ask: AskField;
  readonly credentials: Credentials;
  readonly outbox: Outbox;
  readonly onSkipped: (counter: number) => void;
}

export class Session {
  readonly #options: SessionOptions;
  #isClear = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  doubt(): void {
    this.#isClear = false;
  }

  /** @throws RequestError */
  async prepare(token: string, signal: AbortSignal): Promise<void> {
    if (this.#isClear) return;
    const { credentials, outbox, onSkipped } = this.#options;
    const { device } = credentials;
    // A token that names no device cannot write: the server says so to whoever tries.
    if (device === undefined) return;
    const counter = await this.#readCounter(device, token, signal);
    if (outbox.skipTo(counter)) onSkipped(counter);
    this.#isClear = true;
  }

  async #readCounter(device: string, token: string, signal: AbortSignal): Promise<number> {
    try {
      const { body } = await this.#options.ask(`/clock?device=${device}`, { token, signal });
      return (body as { clock: Readonly<Record<string, number>> }).clock[device] ?? 0;
    } catch (error) {
      // Nobody has written to this field yet.
      if (error instanceof RequestError && error.code === 'field_not_found') return 0;
      throw error;
    }
  }
}
