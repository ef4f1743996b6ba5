/**
 * What must be clear before the first update is sent: up to which counter the server knows the device. It is asked once in
 * each process, and again when a counter turned out to be used.
 */

import { RequestError, type SendFieldRequest } from '../connection/http.ts';
import type { TokenProvider } from '../connection/token-provider.ts';
import type { Outbox } from './outbox.ts';

export interface CounterSyncDeps {
  readonly sendRequest: SendFieldRequest;
  readonly tokenProvider: TokenProvider;
  readonly outbox: Outbox;
  readonly onSkipped: (counter: number) => void;
}

export class CounterSync {
  readonly #deps: CounterSyncDeps;
  #isSynced = false;

  constructor(options: CounterSyncDeps) {
    this.#deps = options;
  }

  invalidate(): void {
    this.#isSynced = false;
  }

  /** @throws RequestError */
  async ensure(token: string, signal: AbortSignal): Promise<void> {
    if (this.#isSynced) return;
    const { tokenProvider, outbox, onSkipped } = this.#deps;
    const { device } = tokenProvider;
    // A token that names no device cannot write: the server says so to whoever tries.
    if (device === undefined) return;
    const counter = await this.#readCounter(device, token, signal);
    if (outbox.skipTo(counter)) onSkipped(counter);
    this.#isSynced = true;
  }

  async #readCounter(device: string, token: string, signal: AbortSignal): Promise<number> {
    try {
      const { body } = await this.#deps.sendRequest(`/clock?device=${device}`, { token, signal });
      return (body as { clock: Readonly<Record<string, number>> }).clock[device] ?? 0;
    } catch (error) {
      // Nobody has written to this field yet.
      if (error instanceof RequestError && error.code === 'field_not_found') return 0;
      throw error;
    }
  }
}
