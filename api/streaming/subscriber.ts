/**
 * One reader of a field's stream, as its feed sees it: how far it has come, and whether it keeps up.
 * Knows nothing of WebSockets or of where deltas come from.
 */
import { closeCodes } from '../../shared/contract/wire.ts';
import type { Delta } from './replay-buffer.ts';
import type { StreamMessage } from './stream-message.ts';

/** Where messages to a reader go. */
export interface Listener {
  send(message: StreamMessage): void;
  /** What was sent and has not left the process yet. */
  bufferedBytes(): number;
  close(code: number, reason: string): void;
}

const slowBytes = 1024 * 1024;
const drainedBytes = 64 * 1024;
const hopelessBytes = 4 * 1024 * 1024;
const maxBehindMs = 30_000;

/** What was done about a reader, or is to be done. */
export type Need = 'nothing' | 'sent' | 'catch-up' | 'closed';

export class Follower {
  readonly listener: Listener;
  /** The version that the reader has; undefined before its first message. */
  version: number | undefined;
  #pace: 'catching-up' | 'following' | 'behind' = 'catching-up';
  #behindSince = 0;
  #pausedUntil = 0;

  constructor(listener: Listener, after: number | undefined) {
    this.listener = listener;
    this.version = after;
  }

  get isFollowing(): boolean {
    return this.#pace === 'following';
  }

  /** Sends a delta if it stands on what the reader has. */
  offer({ from, to, message }: Delta, now: number): Need {
    if (this.#pace !== 'following') return 'nothing';
    if (this.version === from) {
      if (this.listener.bufferedBytes() > slowBytes) {
        this.fallBehind(now);
        return 'nothing';
      }
      this.send(message, to);
      return 'sent';
    }
    return this.version !== undefined && this.version >= to ? 'nothing' : 'catch-up';
  }

  send(message: StreamMessage, version: number): void {
    this.listener.send(message);
    this.version = version;
  }

  catchUp(): void {
    this.#pace = 'catching-up';
  }

  follow(): void {
    this.#pace = 'following';
  }

  /** Gets nothing until it has drained, and `pauseMs` are over; then it is brought to the newest state at once. */
  fallBehind(now: number, pauseMs = 0): void {
    this.#pace = 'behind';
    this.#behindSince = now;
    this.#pausedUntil = now + pauseMs;
  }

  /** Looks after a reader that is behind. */
  check(now: number): Need {
    if (this.#pace !== 'behind' || now < this.#pausedUntil) return 'nothing';
    const buffered = this.listener.bufferedBytes();
    if (buffered <= drainedBytes) return 'catch-up';
    if (buffered <= hopelessBytes && now - this.#behindSince <= maxBehindMs) return 'nothing';
    this.listener.close(closeCodes.overloaded, 'too slow');
    return 'closed';
  }
}
