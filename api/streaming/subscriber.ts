/**
 * One subscriber of a field's stream as its broadcaster sees it: the cursor it has, and whether it keeps up. It does not
 * know about WebSockets, nor where deltas come from.
 *
 * Modes:
 * - `catching-up` (initial): the broadcaster is sending what is missing up to the newest state. Live deltas are not
 *   sent; the catch-up includes them.
 * - `following`: every delta is sent as it arrives.
 * - `lagging`: nothing is sent, either because too much is buffered or because a catch-up failed and is about to be
 *   retried.
 * - `closed` (final): it lagged for too long and its connection was closed.
 *
 * Transitions:
 * - catching-up → following (`caught-up`): it has the newest state.
 * - catching-up → lagging (`catch-up-failed`): the state could not be read, or kept moving on.
 * - following → catching-up (`gap`): a delta does not start at its cursor, or the broadcaster skipped versions.
 * - following → lagging (`buffer-full`): more than `highWaterBytes` are buffered.
 * - lagging → catching-up (`drained`): at most `lowWaterBytes` are buffered and the pause is over.
 * - lagging → closed (`too-slow`): more than `maxBufferedBytes` are buffered, or it lagged for more than `maxLagMs`.
 */

import { closeCodes } from '../../shared/contract/wire.ts';
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import type { Delta } from './replay-buffer.ts';
import type { StreamMessage } from './stream-message.ts';

/** A connection to a client that messages are written to. */
export interface MessageSink {
  send(message: StreamMessage): void;
  /** Bytes that were sent but have not left the process. */
  bufferedBytes(): number;
  close(code: number, reason: string): void;
}

const highWaterBytes = 1024 * 1024;
const lowWaterBytes = 64 * 1024;
export const maxBufferedBytes = 4 * 1024 * 1024;
const maxLagMs = 30_000;

type Mode = 'catching-up' | 'following' | 'lagging' | 'closed';
type Event = 'caught-up' | 'catch-up-failed' | 'gap' | 'buffer-full' | 'drained' | 'too-slow';

const transitions: Readonly<Record<Mode, Readonly<Partial<Record<Event, Mode>>>>> = {
  'catching-up': { 'caught-up': 'following', 'catch-up-failed': 'lagging' },
  following: { gap: 'catching-up', 'buffer-full': 'lagging' },
  lagging: { drained: 'catching-up', 'too-slow': 'closed' },
  closed: {},
};

/** What the broadcaster has to do next: nothing, start a catch-up, or remove the subscriber. */
export type DeliveryResult = 'nothing' | 'sent' | 'catch-up' | 'closed';

export class Subscriber {
  readonly sink: MessageSink;
  #cursor: Cursor | undefined;

  #mode: Mode = 'catching-up';
  #laggingSince = 0;
  #pausedUntil = 0;

  /** @param after the cursor that the client already has; undefined for none */
  constructor(sink: MessageSink, after: Cursor | undefined) {
    this.sink = sink;
    this.#cursor = after;
  }

  /** The cursor that the client has; undefined before its first message. */
  get cursor(): Cursor | undefined {
    return this.#cursor;
  }

  get isFollowing(): boolean {
    return this.#mode === 'following';
  }

  /** Sends a live delta if it starts at the subscriber's cursor. */
  deliver({ from, to, message }: Delta, now: number): DeliveryResult {
    if (this.#mode !== 'following') return 'nothing';
    if (this.#cursor !== from) {
      const isOld = this.#cursor !== undefined && versionOf(this.#cursor) >= versionOf(to);
      return isOld ? 'nothing' : this.reportGap();
    }
    if (this.sink.bufferedBytes() > highWaterBytes) {
      this.#lag('buffer-full', now);
      return 'nothing';
    }
    this.send(message, to);
    return 'sent';
  }

  /** Sends a message after which the client has `cursor`. */
  send(message: StreamMessage, cursor: Cursor): void {
    this.sink.send(message);
    this.#cursor = cursor;
  }

  /** The newest version cannot be reached by live deltas. */
  reportGap(): DeliveryResult {
    this.#transition('gap');
    return 'catch-up';
  }

  reportCaughtUp(): void {
    this.#transition('caught-up');
  }

  /** @param retryMs how long to wait before the next catch-up */
  reportCatchUpFailed(now: number, retryMs: number): void {
    this.#lag('catch-up-failed', now, retryMs);
  }

  /** Called periodically: decides whether a lagging subscriber resumes, keeps waiting or is closed. */
  checkLag(now: number): DeliveryResult {
    if (this.#mode !== 'lagging' || now < this.#pausedUntil) return 'nothing';
    const buffered = this.sink.bufferedBytes();
    if (buffered <= lowWaterBytes) {
      this.#transition('drained');
      return 'catch-up';
    }
    if (buffered <= maxBufferedBytes && now - this.#laggingSince <= maxLagMs) return 'nothing';
    this.#transition('too-slow');
    this.sink.close(closeCodes.overloaded, 'too slow');
    return 'closed';
  }

  #lag(event: 'buffer-full' | 'catch-up-failed', now: number, pauseMs = 0): void {
    this.#laggingSince = now;
    this.#pausedUntil = now + pauseMs;
    this.#transition(event);
  }

  /** @throws Error when the mode has no such transition, which is a defect of the caller */
  #transition(event: Event): void {
    const next = transitions[this.#mode][event];
    if (!next) throw new Error(`a subscriber that is ${this.#mode} cannot handle ${event}`);
    this.#mode = next;
  }
}
