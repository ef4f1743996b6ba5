/**
 * One subscriber of a field's stream as its broadcaster sees it: the cursor it has, and whether it keeps up. Independent of
 * WebSockets, and of where deltas come from.
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
 * - following → catching-up (`new-region`): it watches another region, and needs a snapshot of it.
 * - following → lagging (`buffer-full`): more than `highWaterBytes` are buffered, or regions change too often.
 * - lagging → catching-up (`drained`): at most `lowWaterBytes` are buffered and the pause is over.
 * - lagging → closed (`too-slow`): more than `maxBufferedBytes` are buffered, or it lagged for more than `maxLagMs`.
 */

import type { SnapshotReason } from '../../shared/contract/messages.ts';
import { closeCodes } from '../../shared/contract/wire.ts';
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import type { Region } from '../../shared/field/math/region.ts';
import type { Delta } from './replay-buffer.ts';
import type { StreamMessage } from './stream-message.ts';

/** A connection to a client that messages are written to. */
export interface MessageSink {
  /** Whether messages may be sent compressed. */
  readonly acceptsCompression?: boolean;
  send(message: StreamMessage): void;
  /** Bytes that were sent but have not left the process. */
  bufferedBytes(): number;
  close(code: number, reason: string): void;
}

const highWaterBytes = 1024 * 1024;
const lowWaterBytes = 64 * 1024;
export const maxBufferedBytes = 4 * 1024 * 1024;
const maxLagMs = 30_000;
/** The minimum time between two snapshots of regions. */
const minRegionIntervalMs = 250;

type Mode = 'catching-up' | 'following' | 'lagging' | 'closed';
type Event = 'caught-up' | 'catch-up-failed' | 'gap' | 'new-region' | 'buffer-full' | 'drained' | 'too-slow';

const transitions: Readonly<Record<Mode, Readonly<Partial<Record<Event, Mode>>>>> = {
  'catching-up': { 'caught-up': 'following', 'catch-up-failed': 'lagging' },
  following: { gap: 'catching-up', 'new-region': 'catching-up', 'buffer-full': 'lagging' },
  lagging: { drained: 'catching-up', 'too-slow': 'closed' },
  closed: {},
};

/** What the broadcaster has to do next: nothing, start a catch-up, or remove the subscriber. */
export type DeliveryResult = 'nothing' | 'sent' | 'catch-up' | 'closed';

export interface SubscriberOptions {
  readonly sink: MessageSink;
  /** The cursor that the client already has; undefined for none. */
  readonly after?: Cursor | undefined;
  /** Undefined for the whole field. */
  readonly region?: Region | undefined;
  /** The device whose outcomes a watcher of a region gets. */
  readonly device?: string | undefined;
}

export class Subscriber {
  readonly sink: MessageSink;
  readonly device: string | undefined;
  #cursor: Cursor | undefined;
  #region: Region | undefined;
  #snapshotReason: SnapshotReason | undefined;
  #snapshotAt = Number.NEGATIVE_INFINITY;

  #mode: Mode = 'catching-up';
  #laggingSince = 0;
  #pausedUntil = 0;

  constructor({ sink, after, region, device }: SubscriberOptions) {
    this.sink = sink;
    this.device = device;
    this.#cursor = after;
    this.#region = region;
    // The state that the client has may be of another region.
    if (region) this.#snapshotReason = 'region';
    if (after === undefined) this.#snapshotReason = 'start';
  }

  /** The cursor that the client has; undefined before its first message. */
  get cursor(): Cursor | undefined {
    return this.#cursor;
  }

  /** Undefined for the whole field. */
  get region(): Region | undefined {
    return this.#region;
  }

  /** Why it needs a snapshot, if its cursor is in the log; undefined if deltas will do. */
  get snapshotReason(): SnapshotReason | undefined {
    return this.#snapshotReason;
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
    return this.deliverLive(message, to, now);
  }

  /** Sends a live delta that starts at the subscriber's cursor, unless too much is buffered. */
  deliverLive(message: StreamMessage, to: Cursor, now: number): DeliveryResult {
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
    if (message.type !== 'snapshot') return;
    this.#snapshotReason = undefined;
    this.#snapshotAt = performance.now();
  }

  /** Call when the client watches another part of the field. @returns whether a catch-up has to be started */
  changeRegion(region: Region | undefined, now: number): DeliveryResult {
    this.#region = region;
    this.#snapshotReason ??= 'region';
    if (this.#mode !== 'following') return 'nothing';
    const pauseMs = this.#snapshotAt + minRegionIntervalMs - now;
    if (pauseMs > 0 || this.sink.bufferedBytes() > lowWaterBytes) {
      this.#lag('buffer-full', now, pauseMs);
      return 'nothing';
    }
    this.#transition('new-region');
    return 'catch-up';
  }

  /** Call when live deltas cannot lead to the newest version. */
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
    // The deltas of a region cannot be created afterwards, so a gap requires a snapshot.
    if (this.#region && this.#mode === 'following') this.#snapshotReason ??= 'gap';
    this.#mode = next;
  }
}
