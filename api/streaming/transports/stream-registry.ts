/**
 * All open streams of this process. One timer keeps them alive and closes those whose tokens were revoked. When the process
 * stops, they are closed in batches, so that their clients do not all reconnect at the same moment.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Claims } from '../../../shared/contract/token.ts';
import { type Caller, createCaller } from '../../rate-limits/caller.ts';
import type { ConcurrentStreamLimiter } from '../../rate-limits/concurrent-stream-limiter.ts';

/** An open WebSocket or event stream. */
export interface StreamSession {
  readonly transport: 'websocket' | 'sse';
  /** The claims of the current token; a WebSocket may renew it. */
  readonly claims: Claims;
  /** The address of its peer. */
  readonly ip: string;
  /** Called about once a second. */
  tick(now: number): void;
  /** Sends the client the delay after which to reconnect, since the process is stopping, and closes the stream. */
  closeForRestart(retryAfterSeconds: number): void;
  /** Notifies the client that its token was revoked, and closes the stream. */
  revoke(): void;
  /** Closes the connection without a message. */
  terminate(): void;
  /** Bytes that were sent but have not left the process. */
  bufferedBytes(): number;
}

const tickIntervalMs = 1000;
const drainBatchSize = 500;
const drainBatchIntervalMs = 100;
const maxRetryAfterSeconds = 5;
const drainTimeoutMs = 3000;

interface StreamRegistryDeps {
  readonly onChange: (transport: StreamSession['transport'], change: 1 | -1) => void;
  readonly isRevoked: (claims: Claims) => boolean;
  /** Limits the streams of each user and address over all processes. */
  readonly streamLimiter: ConcurrentStreamLimiter;
}

export class StreamRegistry {
  /** The open streams and their callers. */
  readonly #streams = new Map<StreamSession, Caller>();
  readonly #timer: NodeJS.Timeout;
  #isDraining = false;
  readonly #deps: StreamRegistryDeps;

  constructor(deps: StreamRegistryDeps) {
    this.#deps = deps;
    this.#timer = setInterval(() => {
      const now = performance.now();
      // A stream may have been opened, or its token renewed, while the token was being revoked.
      this.closeRevoked();
      for (const stream of this.#streams.keys()) stream.tick(now);
    }, tickIntervalMs);
  }

  add(stream: StreamSession): void {
    const caller = createCaller(stream.claims, stream.ip);
    this.#streams.set(stream, caller);
    this.#deps.streamLimiter.add(caller);
    this.#deps.onChange(stream.transport, 1);
  }

  remove(stream: StreamSession): void {
    const caller = this.#streams.get(stream);
    if (!caller) return;
    this.#streams.delete(stream);
    this.#deps.streamLimiter.remove(caller);
    this.#deps.onChange(stream.transport, -1);
  }

  /** Closes the streams whose tokens were revoked. */
  closeRevoked(): void {
    for (const stream of this.#streams.keys()) if (this.#deps.isRevoked(stream.claims)) stream.revoke();
  }

  /** Bytes that all streams together have sent but that have not left the process. */
  bufferedBytes(): number {
    let bytes = 0;
    for (const stream of this.#streams.keys()) bytes += stream.bufferedBytes();
    return bytes;
  }

  /** Whether the process is stopping and refuses new streams. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Closes all streams; resolves when they are closed, at the latest after `drainTimeoutMs`. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    const streams = [...this.#streams.keys()];
    for (let start = 0; start < streams.length; start += drainBatchSize) {
      for (const stream of streams.slice(start, start + drainBatchSize)) {
        stream.closeForRestart(1 + Math.floor(Math.random() * maxRetryAfterSeconds));
      }
      if (start + drainBatchSize < streams.length) await delay(drainBatchIntervalMs);
    }
    const deadline = performance.now() + drainTimeoutMs;
    while (this.#streams.size > 0 && performance.now() < deadline) await delay(10);
    for (const stream of this.#streams.keys()) stream.terminate();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
