/**
 * One reader of a field's stream, as its feed sees it: how far it has come, and whether it keeps up.
 * Knows nothing of WebSockets or of where deltas come from.
 */
import { closeCodes } from '../../shared/contract/wire.ts';
import type { Delta } from './replay-buffer.ts';
import type { StreamMessage } from './stream-message.ts';

/** Where messages to a reader go. */
export interface MessageSink {
  send(message: StreamMessage): void;
  /** What was sent and has not left the process yet. */
  bufferedBytes(): number;
  close(code: number, reason: string): void;
}

const highWaterBytes = 1024 * 1024;
const lowWaterBytes = 64 * 1024;
const maxBufferedBytes = 4 * 1024 * 1024;
const maxLagMs = 30_000;

/** What was done about a reader, or is to be done. */
export type DeliveryResult = 'nothing' | 'sent' | 'catch-up' | 'closed';

export class Subscriber {
  readonly sink: MessageSink;
  /** The version that the reader has; undefined before its first message. */
  version: number | undefined;
  #state: 'catching-up' | 'following' | 'behind' = 'catching-up';
  #behindSince = 0;
  #pausedUntil = 0;

  constructor(listener: MessageSink, after: number | undefined) {
    this.sink = listener;
    this.version = after;
  }

  get isFollowing(): boolean {
    return this.#state === 'following';
  }

  /** Sends a delta if it stands on what the reader has. */
  deliver({ from, to, message }: Delta, now: number): DeliveryResult {
    if (this.#state !== 'following') return 'nothing';
    if (this.version === from) {
      if (this.sink.bufferedBytes() > highWaterBytes) {
        this.fallBehind(now);
        return 'nothing';
      }
      this.send(message, to);
      return 'sent';
    }
    return this.version !== undefined && this.version >= to ? 'nothing' : 'catch-up';
  }

  send(message: StreamMessage, version: number): void {
    this.sink.send(message);
    this.version = version;
  }

  startCatchUp(): void {
    this.#state = 'catching-up';
  }

  follow(): void {
    this.#state = 'following';
  }

  /** Gets nothing until it has drained, and `pauseMs` are over; then it is brought to the newest state at once. */
  fallBehind(now: number, pauseMs = 0): void {
    this.#state = 'behind';
    this.#behindSince = now;
    this.#pausedUntil = now + pauseMs;
  }

  /** Looks after a reader that is behind. */
  checkLag(now: number): DeliveryResult {
    if (this.#state !== 'behind' || now < this.#pausedUntil) return 'nothing';
    const buffered = this.sink.bufferedBytes();
    if (buffered <= lowWaterBytes) return 'catch-up';
    if (buffered <= maxBufferedBytes && now - this.#behindSince <= maxLagMs) return 'nothing';
    this.sink.close(closeCodes.overloaded, 'too slow');
    return 'closed';
  }
}
