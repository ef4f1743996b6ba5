/**
 * All streams that this process holds open: keeps them alive by one clock, and sends them elsewhere when it stops, a
 * slice at a time, so that they do not all knock at the next door at once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Claims } from '../../../shared/contract/token.ts';
import type { ConcurrentStreamLimiter } from '../../rate-limits/concurrent-stream-limiter.ts';

/** An open WebSocket or event stream. */
export interface StreamSession {
  readonly transport: 'websocket' | 'sse';
  /** Of the token that it stands on now. */
  readonly claims: Claims;
  /** Called about once a second. */
  tick(now: number): void;
  /** Says that the process stops, and ends the stream. */
  closeForRestart(retryAfterSeconds: number): void;
  /** Says that its token has been revoked, and ends it. */
  revoke(): void;
  /** Ends it without ceremony. */
  terminate(): void;
  /** What was sent and has not left the process yet. */
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
  /** How many each user has, over all processes. */
  readonly streamLimiter: ConcurrentStreamLimiter;
}

export class StreamRegistry {
  /** With the user who opened it. */
  readonly #streams = new Map<StreamSession, string>();
  readonly #timer: NodeJS.Timeout;
  #isDraining = false;
  readonly #deps: StreamRegistryDeps;

  constructor(deps: StreamRegistryDeps) {
    this.#deps = deps;
    this.#timer = setInterval(() => {
      const now = Date.now();
      // Again here: one may have been opened, or have renewed its token, just when its token was revoked.
      this.closeRevoked();
      for (const stream of this.#streams.keys()) stream.tick(now);
    }, tickIntervalMs);
  }

  add(stream: StreamSession): void {
    this.#streams.set(stream, stream.claims.sub);
    this.#deps.streamLimiter.add(stream.claims.sub);
    this.#deps.onChange(stream.transport, 1);
  }

  remove(stream: StreamSession): void {
    const user = this.#streams.get(stream);
    if (user === undefined) return;
    this.#streams.delete(stream);
    this.#deps.streamLimiter.remove(user);
    this.#deps.onChange(stream.transport, -1);
  }

  /** Ends those whose tokens have been revoked. */
  closeRevoked(): void {
    for (const stream of this.#streams.keys()) if (this.#deps.isRevoked(stream.claims)) stream.revoke();
  }

  /** What waits in this process for its readers to read. */
  bufferedBytes(): number {
    let bytes = 0;
    for (const stream of this.#streams.keys()) bytes += stream.bufferedBytes();
    return bytes;
  }

  /** Whether this process stops, and takes no more streams. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Ends all streams; resolves when they are gone. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    const streams = [...this.#streams.keys()];
    for (let start = 0; start < streams.length; start += drainBatchSize) {
      for (const stream of streams.slice(start, start + drainBatchSize)) {
        stream.closeForRestart(1 + Math.floor(Math.random() * maxRetryAfterSeconds));
      }
      if (start + drainBatchSize < streams.length) await delay(drainBatchIntervalMs);
    }
    const deadline = Date.now() + drainTimeoutMs;
    while (this.#streams.size > 0 && Date.now() < deadline) await delay(10);
    for (const stream of this.#streams.keys()) stream.terminate();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
