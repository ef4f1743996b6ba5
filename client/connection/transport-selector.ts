/**
 * Chooses the transport: WebSocket first, then polling, because some proxies pass only plain requests and buffer even Server-Sent
 * Events. The first transport is tried again from time to time.
 */

import type { FieldClientOptions, SocketConstructor } from '../options.ts';
import type { TransportName } from '../types.ts';
import type { SendFieldRequest } from './http.ts';
import { openPolling } from './polling.ts';
import type { Transport, TransportEnd, TransportOptions } from './transport.ts';
import { openWebSocket } from './websocket.ts';

/** A single failure may be the network's; after this many in a row, the first transport counts as blocked. */
const primaryAttempts = 2;
/** The first retry is early, since the network may have returned just after the first transport failed. */
const firstRetryMs = 4000;
const laterRetryMs = 60_000;

interface TransportSelectorOptions extends Pick<FieldClientOptions, 'transports'> {
  readonly sendRequest: SendFieldRequest;
  readonly WebSocket: SocketConstructor | undefined;
}

const allTransports: readonly TransportName[] = ['websocket', 'polling'];

export class TransportSelector {
  readonly #options: TransportSelectorOptions;
  readonly #names: readonly TransportName[];
  #index = 0;
  #failures = 0;
  #fellBackAt = 0;
  #retryMs = firstRetryMs;

  constructor(options: TransportSelectorOptions) {
    this.#options = options;
    this.#names = (options.transports ?? allTransports).filter((name) => name !== 'websocket' || options.WebSocket);
  }

  open(options: TransportOptions): Transport {
    const { sendRequest, WebSocket } = this.#options;
    if (this.#index > 0 && Math.abs(Date.now() - this.#fellBackAt) >= this.#retryMs) this.#retryPrimary();
    const name = this.#names[this.#index];
    if (name === 'websocket' && WebSocket) return openWebSocket(WebSocket, options);
    return openPolling(sendRequest, options, this.#index === 0 ? laterRetryMs : this.#retryMs);
  }

  /**
   * Records how a transport ended, and decides which one is opened next.
   * @returns whether it should be opened without a pause
   */
  recordEnd({ reason }: TransportEnd, wasOpen: boolean): boolean {
    const isBlocked = reason === 'blocked';
    if (wasOpen && !isBlocked) this.#failures = 0;
    if (wasOpen && !isBlocked && this.#index === 0) this.#retryMs = firstRetryMs;
    if ((wasOpen && !isBlocked) || reason === 'expired' || reason === 'forbidden') return false;
    this.#failures += 1;
    const isLast = this.#index === this.#names.length - 1;
    // Plain requests fail as well: the network is down, which says nothing about the first transport.
    const isNetwork = this.#index > 0 && reason === 'closed';
    if (isNetwork) this.#switchTo(0);
    if (isNetwork || isLast || (this.#index === 0 && this.#failures < primaryAttempts)) return false;
    this.#switchTo(this.#index + 1);
    return true;
  }

  /** Tries the first transport; one failure is enough to return to the one that works. */
  #retryPrimary(): void {
    this.#switchTo(0);
    this.#failures = primaryAttempts - 1;
    this.#retryMs = laterRetryMs;
  }

  #switchTo(index: number): void {
    if (this.#index === 0) this.#fellBackAt = Date.now();
    this.#index = index;
    this.#failures = 0;
  }
}
