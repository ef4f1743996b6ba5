/**
 * Which way to follow is tried next: WebSocket, then polling. Some proxies let none but plain requests through, those that
 * hold back Server-Sent Events among them; the better way is tried again from time to time.
 */

import type { FieldClientOptions, SocketConstructor, TransportName } from '../types.ts';
import type { AskField } from './http.ts';
import { openPolling } from './polling.ts';
import type { Transport, TransportEnd, TransportOptions } from './transport.ts';
import { openWebSocket } from './websocket.ts';

/** A socket that never opens may be the network's fault: only the second in a row is the way's. */
const triesOfFirst = 2;
const betterAgainMs = 60_000;

interface WaysOptions extends Pick<FieldClientOptions, 'transports'> {
  readonly ask: AskField;
  readonly WebSocket: SocketConstructor | undefined;
}

const allWays: readonly TransportName[] = ['websocket', 'polling'];

export class Ways {
  readonly #options: WaysOptions;
  readonly #names: readonly TransportName[];
  #at = 0;
  #failures = 0;
  #leftFirstAt = 0;

  constructor(options: WaysOptions) {
    this.#options = options;
    this.#names = (options.transports ?? allWays).filter((name) => name !== 'websocket' || options.WebSocket);
  }

  open(options: TransportOptions): Transport {
    const { ask, WebSocket } = this.#options;
    if (this.#at > 0 && Date.now() - this.#leftFirstAt >= betterAgainMs) this.#goTo(0);
    const name = this.#names[this.#at];
    if (name === 'websocket' && WebSocket) return openWebSocket(WebSocket, options);
    return openPolling(ask, options);
  }

  /** Learns from how one ended. True when the next is to be tried without a pause. */
  note({ why }: TransportEnd, wasOpen: boolean): boolean {
    if (wasOpen) this.#failures = 0;
    if (wasOpen || why === 'expired' || why === 'forbidden') return false;
    this.#failures += 1;
    const isAtEnd = this.#at === this.#names.length - 1;
    // Not even a plain request gets through: that is the network, not the way.
    const isNetwork = this.#at > 0 && why === 'closed';
    if (isNetwork) this.#goTo(0);
    if (isNetwork || isAtEnd || (this.#at === 0 && this.#failures < triesOfFirst)) return false;
    this.#goTo(this.#at + 1);
    return true;
  }

  #goTo(at: number): void {
    if (this.#at === 0) this.#leftFirstAt = Date.now();
    this.#at = at;
    this.#failures = 0;
  }
}
