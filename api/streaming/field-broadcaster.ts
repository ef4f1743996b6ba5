/**
 * Broadcasts the changes of one field: takes the messages of its channel, which may be lost, late or out of order, and
 * brings every subscriber from the cursor it has to the newest.
 *
 * Modes:
 * - live: messages are applied as they arrive. Each message is one of three:
 *   - it starts at `#cursor`: it is broadcast and leads to the newest cursor;
 *   - it ends at `#cursor`, or at an earlier cursor of the same history: only its unlogged outcomes are broadcast (late delta);
 *   - anything else: versions are missing, or the history has changed, and a gap fill begins.
 * - filling a gap (`#gapFill`): the state is read and the broadcaster advances to it; messages that arrive meanwhile are
 *   buffered and applied afterwards.
 *
 * Transitions:
 * - live → filling: a message reveals a gap, the channel was subscribed again, or a periodic check is due (every
 *   `idleCheckIntervalMs`; every `gapCheckIntervalMs` while `#hasGap`).
 * - filling → live: the state is at least as new as every buffered message, or the attempts are used up. In the second
 *   case `#hasGap` is set, and the buffered messages are dropped, since the next gap fill covers them.
 *
 * Invariants: the deltas of the replay buffer lead to `#cursor`. Its version never decreases, unless PostgreSQL confirms
 * that the log no longer has it: after a restore or a failover that has lost commits, everybody gets a snapshot. A
 * subscriber receives a delta only if it starts at the subscriber's cursor; otherwise it is caught up from the replay
 * buffer, from the log or with a snapshot. The modes of a subscriber are described in subscriber.ts. Those that watch a region
 * are caught up with a snapshot of it, and then follow in regional-audience.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeMessage } from '../../shared/cache/change-message.ts';
import { type Cursor, emptyHash, formatCursor, versionOf } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Region } from '../../shared/field/math/region.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { LoadedState } from '../state/loading/loaded-state.ts';
import { CatchUp, type CatchUpDeps } from './catch-up-messages.ts';
import type { NoDelta } from './gap-fill.ts';
import { parseDeltaOutcomes, type StateTotals, toLateDelta } from './late-delta.ts';
import { RegionalAudience } from './regional-audience.ts';
import { type Delta, ReplayBuffer } from './replay-buffer.ts';
import { SharedMessage, type StreamMessage } from './stream-message.ts';
import { Subscriber, type SubscriberOptions } from './subscriber.ts';

export interface FieldBroadcasterDeps extends CatchUpDeps {
  readonly metrics: ApiMetrics;
}

const idleCheckIntervalMs = 5000;
const gapCheckIntervalMs = 1000;
const maxAttempts = 5;
/** The pause after the first attempt of a gap fill, doubled after each further one. */
const initialRetryMs = 20;
const catchUpRetryMs = 1000;
/** Messages buffered during a gap fill; a further one is dropped, and the gap that it leaves is filled afterwards. */
const maxBufferedMessages = 1000;

export class FieldBroadcaster {
  readonly field: FieldId;
  readonly #deps: FieldBroadcasterDeps;
  readonly #catchUpSource: CatchUp;
  readonly #replayBuffer = new ReplayBuffer();
  readonly #subscribers = new Set<Subscriber>();
  /** The subscribers that follow and watch a region. */
  readonly #audience = new RegionalAudience();
  #cursor: Cursor = formatCursor(0, emptyHash);
  /** Returns the totals at `#cursor`; parses a delta only when it is called. */
  #readTotals: (() => StateTotals) | undefined;
  #buffered: ChangeMessage[] = [];
  #gapFill: Promise<void> | undefined;
  #lastCheckAt = 0;
  #hasGap = false;

  constructor(field: FieldId, deps: FieldBroadcasterDeps) {
    this.field = field;
    this.#deps = deps;
    this.#catchUpSource = new CatchUp(field, deps);
  }

  get version(): number {
    return versionOf(this.#cursor);
  }

  /** Adds a subscriber and starts its catch-up. */
  add(options: SubscriberOptions): Subscriber {
    const subscriber = new Subscriber(options);
    this.#subscribers.add(subscriber);
    void this.#catchUp(subscriber);
    return subscriber;
  }

  /** @param region undefined for the whole field */
  changeRegion(subscriber: Subscriber, region: Region | undefined): void {
    this.#audience.remove(subscriber);
    if (subscriber.changeRegion(region, performance.now()) === 'catch-up') void this.#catchUp(subscriber);
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    this.#audience.remove(subscriber);
  }

  /** Handles a message of the field's channel. */
  receive(message: ChangeMessage): void {
    this.#deps.states.markExisting(this.field);
    if (!this.#gapFill) this.#apply(message);
    else if (this.#buffered.length < maxBufferedMessages) this.#buffered.push(message);
  }

  /** Fills the gap if messages were lost, since the channel delivers at most once. Concurrent calls share one check. */
  checkForGap(): Promise<void> {
    this.#gapFill ??= this.#fillGap().finally(() => {
      this.#gapFill = undefined;
    });
    return this.#gapFill;
  }

  /** Called periodically: checks lagging subscribers, and checks for a gap when that is due. */
  tick(now: number): void {
    for (const subscriber of this.#subscribers) {
      const result = subscriber.checkLag(now);
      if (result === 'catch-up') void this.#catchUp(subscriber);
      if (result !== 'closed') continue;
      this.#deps.metrics.slowSubscribersClosed.inc();
      this.remove(subscriber);
    }
    this.#audience.tick(this.#cursor, now);
    if (now - this.#lastCheckAt >= (this.#hasGap ? gapCheckIntervalMs : idleCheckIntervalMs)) void this.checkForGap();
  }

  #apply(message: ChangeMessage): void {
    const { from, to, delta } = message;
    // Subscribers that are behind get a snapshot instead of deltas that contain erased data.
    if (message.isErasure) this.#replayBuffer.clear();
    if (from === this.#cursor) {
      this.#readTotals = () => parseDeltaOutcomes(delta).totals;
      this.#broadcast(to, new SharedMessage('delta', Buffer.from(delta), to));
    } else if (this.#isLate(to) && !this.#isKnown(to)) {
      // The results may be of a history that the database has lost, and must not be confirmed with a cursor of the present one. The
      // sender of the updates sends them again.
      void this.checkForGap();
    } else if (this.#isLate(to)) {
      const parsed = parseDeltaOutcomes(delta);
      const lateDelta = toLateDelta(parsed, this.#cursor, this.#readTotals?.() ?? parsed.totals);
      if (lateDelta) this.#broadcast(this.#cursor, lateDelta);
    } else {
      this.#buffered.push(message);
      void this.checkForGap();
    }
  }

  #isLate(to: Cursor): boolean {
    return to === this.#cursor || versionOf(to) < this.version;
  }

  /** Whether a cursor is known to be of the present history. */
  #isKnown(cursor: Cursor): boolean {
    return cursor === this.#cursor || this.#replayBuffer.includes(cursor);
  }

  /** Sends a delta that starts at the newest cursor to all subscribers that follow, and advances to `to`. */
  #broadcast(to: Cursor, message: StreamMessage): void {
    const delta = { from: this.#cursor, to, message };
    this.#replayBuffer.push(delta);
    this.#cursor = to;
    const now = performance.now();
    let sent = this.#audience.deliver(delta, now);
    for (const subscriber of this.#subscribers) {
      if (subscriber.region) continue;
      const result = subscriber.deliver(delta, now);
      if (result === 'catch-up') void this.#catchUp(subscriber);
      if (result === 'sent') sent += 1;
    }
    this.#deps.metrics.deltas.inc(sent);
  }

  /** Reads the state, advances to it, and then applies the messages that arrived meanwhile. */
  async #fillGap(): Promise<void> {
    this.#lastCheckAt = performance.now();
    try {
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        await this.#advanceTo(await this.#catchUpSource.readState());
        this.#hasGap = this.#drainBuffered();
        if (!this.#hasGap) return;
        // A replica of the cache may be behind the channel for a moment.
        await delay(initialRetryMs * 2 ** attempt);
      }
    } catch (error) {
      this.#hasGap = true;
      this.#deps.log.warn({ err: error, field: this.field }, 'gap fill failed');
    }
    this.#buffered = [];
  }

  async #advanceTo(state: LoadedState): Promise<void> {
    if (state.cursor === this.#cursor) return;
    const delta = state.version > this.version ? await this.#createDelta(state) : 'unknown-cursor';
    if (delta === 'unknown-cursor' || delta === 'unknown-state') return this.#advanceToConfirmed();
    this.#readTotals = () => state.fragments.header;
    if (this.#subscribers.size > 0) this.#deps.metrics.gapFills.inc();
    if (delta === 'gap') this.#reset(state);
    else this.#broadcast(state.cursor, delta);
  }

  async #createDelta(state: LoadedState): Promise<StreamMessage | NoDelta> {
    return this.#subscribers.size === 0 ? 'gap' : this.#catchUpSource.createDelta(this.#cursor, state);
  }

  /** PostgreSQL decides whether the state that was read, or the newest cursor, belongs to a history that has ended. */
  async #advanceToConfirmed(): Promise<void> {
    const confirmed = await this.#catchUpSource.readConfirmedState();
    const isBehind = confirmed.version <= this.version && (await this.#isInLog(this.#cursor));
    if (confirmed.cursor !== this.#cursor && !isBehind) this.#reset(confirmed);
  }

  #isInLog(cursor: Cursor): Promise<boolean> {
    return this.#deps.reader.hasCursor(this.field, cursor);
  }

  /** Advances to a state to which no delta leads: subscribers are caught up one by one. */
  #reset(state: LoadedState): void {
    this.#readTotals = () => state.fragments.header;
    this.#replayBuffer.clear();
    this.#audience.clear();
    this.#cursor = state.cursor;
    for (const subscriber of this.#subscribers) {
      if (!subscriber.isFollowing) continue;
      subscriber.reportGap();
      void this.#catchUp(subscriber);
    }
  }

  /** Applies the buffered messages. Returns whether some are left because versions before them are still missing. */
  #drainBuffered(): boolean {
    const buffered = this.#buffered;
    this.#buffered = [];
    for (const message of buffered) {
      const isAhead = message.from !== this.#cursor && !this.#isLate(message.to);
      if (isAhead) this.#buffered.push(message);
      else this.#apply(message);
    }
    return this.#buffered.length > 0;
  }

  /** Brings a subscriber that is catching up to the newest cursor, from which it then follows live deltas. */
  async #catchUp(subscriber: Subscriber): Promise<void> {
    try {
      if (this.#replayTo(subscriber)) return;
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        const state = await this.#catchUpSource.readState();
        // For a region, the deltas from the state to the newest cursor have to be in memory, and often are a moment later.
        if (subscriber.region && !this.#listDeltas(state.cursor)) {
          await (attempt === 0 ? delay(initialRetryMs) : this.checkForGap());
          continue;
        }
        await this.#sendState(subscriber, state);
        if (this.#replayTo(subscriber, state)) return;
      }
    } catch (error) {
      this.#deps.log.debug({ err: error, field: this.field }, 'subscriber catch-up failed');
    }
    subscriber.reportCatchUpFailed(performance.now(), catchUpRetryMs);
  }

  /** The deltas from a cursor to the newest; undefined if they are not in memory. */
  #listDeltas(cursor: Cursor): readonly Delta[] | undefined {
    return cursor === this.#cursor ? [] : this.#replayBuffer.since(cursor);
  }

  /**
   * Sends the missing deltas from the replay buffer. Returns whether the subscriber now has the newest cursor.
   * @param state the one that the subscriber was just sent, if any
   */
  #replayTo(subscriber: Subscriber, state?: LoadedState): boolean {
    const { cursor, region, snapshotReason } = subscriber;
    if (!this.#subscribers.has(subscriber)) return true;
    if (cursor === undefined || snapshotReason !== undefined) return false;
    const deltas = this.#listDeltas(cursor);
    if (!deltas || (region && state?.cursor !== cursor)) return false;
    if (!region) for (const { message, to } of deltas) subscriber.send(message, to);
    subscriber.reportCaughtUp();
    if (region && state) this.#audience.add(subscriber, state.fragments, deltas, performance.now());
    return true;
  }

  async #sendState(subscriber: Subscriber, state: LoadedState): Promise<void> {
    const { cursor, region, snapshotReason } = subscriber;
    if (cursor === state.cursor && snapshotReason === undefined) return;
    // The deltas in memory may be of a history that the database has lost: then they do not lead to the state.
    const isContinued =
      cursor !== undefined && [cursor, state.cursor].every((known) => this.#listDeltas(known) !== undefined);
    const message = await this.#catchUpSource.createCatchUp(subscriber, state, isContinued);
    if (subscriber.sink.acceptsCompression) await message?.compress();
    const isMeant = this.#subscribers.has(subscriber) && subscriber.region === region;
    if (!message || !isMeant) return;
    if (message.type === 'snapshot') this.#deps.metrics.snapshots.inc();
    subscriber.send(message, message.cursor ?? state.cursor);
  }
}
