/**
 * Reads the highest counter that the server has recorded for this device before the first update is sent: once in each process, and
 * again after a counter turned out to be used twice, or was refused as too far above it.
 */

import { RequestError, type SendFieldRequest } from '../connection/http.ts';
import type { TokenProvider } from '../connection/token-provider.ts';
import type { Outbox } from '../outbox/outbox.ts';

/** How many times the counter is read while acknowledged updates wait in the server's queue. */
const maxAttempts = 30;
const retryAfterMs = 1000;

export interface CounterSyncDeps {
  readonly sendRequest: SendFieldRequest;
  readonly tokenProvider: TokenProvider;
  readonly outbox: Outbox;
  readonly onSkipped: (counter: number) => void;
}

export class CounterSync {
  readonly #deps: CounterSyncDeps;
  /** The device whose counter was read. */
  #syncedDevice: string | undefined;
  #attempts = 0;

  constructor(deps: CounterSyncDeps) {
    this.#deps = deps;
  }

  invalidate(): void {
    this.#syncedDevice = undefined;
  }

  /** @throws RequestError when the server does not answer, or has not yet applied acknowledged updates */
  async ensure(token: string, signal: AbortSignal): Promise<void> {
    const { tokenProvider, outbox, onSkipped } = this.#deps;
    const { device } = tokenProvider;
    // A token that names no device may not write; the server's response to the update explains that.
    if (device === undefined || device === this.#syncedDevice) return;
    const counter = await this.#readCounter(device, token, signal);
    if (outbox.skipTo(counter)) onSkipped(counter);
    // The counter says nothing about updates that another device may have sent.
    if (device !== tokenProvider.device || outbox.sentByFormerDevices.length > 0) return;
    this.#attempts += 1;
    if (!outbox.farCounters.continueAbove(counter, this.#attempts >= maxAttempts))
      throw new RequestError('results_pending', 'Updates that were accepted are not applied yet.', 0, retryAfterMs);
    this.#attempts = 0;
    this.#syncedDevice = device;
  }

  async #readCounter(device: string, token: string, signal: AbortSignal): Promise<number> {
    try {
      const { body } = await this.#deps.sendRequest(`/clock?device=${device}`, { token, expects: 'clock', signal });
      const { clock } = body as { clock: Readonly<Record<string, number>> };
      // Not `clock[device]`, since `constructor` is a valid device id.
      return new Map(Object.entries(clock)).get(device) ?? 0;
    } catch (error) {
      // A field is created by its first update, so this one has none yet.
      if (error instanceof RequestError && error.code === 'field_not_found') return 0;
      throw error;
    }
  }
}
