/**
 * Broadcasts the changes of one field: takes the messages of its channel, which may be lost, late or out of order, and
 * brings every subscriber from the version it has to the newest.
 *
 * Modes:
 * - live: messages are applied as they arrive. Each message is one of three:
 *   - it starts at `#version`: it is broadcast and becomes the newest version;
 *   - it ends at or before `#version`: only its unlogged outcomes are broadcast (late delta);
 *   - it ends later but starts elsewhere: versions are missing, and a gap fill begins.
 * - filling a gap (`#gapFill`): the state is read and the broadcaster advances to it; messages that arrive meanwhile are
 *   buffered and applied afterwards.
 *
 * Transitions:
 * - live → filling: a message reveals a gap, the channel was subscribed again, or a periodic check is due (every
 *   `idleCheckIntervalMs`; every `gapCheckIntervalMs` while `#hasGap`).
 * - filling → live: the state is at least as new as every buffered message, or the attempts are used up. In the second
 *   case `#hasGap` is set, and the buffered messages are dropped, since the next gap fill covers them.
 *
 * Invariants: `#version` never decreases, and the deltas of the replay buffer lead to it. A subscriber receives a delta
 * only if it starts at the subscriber's version; otherwise it is caught up from the replay buffer, from the log or with a
 * snapshot. The modes of a subscriber are described in subscriber.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeMessage } from '../../shared/cache/change-message.ts';
import type { Metrics } from '../../shared/field/dynamics/field-metrics.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { LoadedState } from '../state/state-reader.ts';
import { CatchUp, type CatchUpDeps } from './catch-up-messages.ts';
import { parseDelta, toLateDelta } from './late-delta.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import { encodeMessage, StreamMessage } from './stream-message.ts';
import { type MessageSink, Subscriber } from './subscriber.ts';

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
  #version = 0;
  /** Returns the metrics at `#version`; parses a delta only when it is called. */
  #readMetrics: (() => Metrics) | undefined;
  #buffered: ChangeMessage[] = [];
  #gapFill: Promise<void> | undefined;
  #lastCheckAt = 0;
  #hasGap = false;
  #activeNodes: number | undefined;

  constructor(field: FieldId, deps: FieldBroadcasterDeps) {
    this.field = field;
    this.#deps = deps;
    this.#catchUpSource = new CatchUp(field, deps);
  }

  get version(): number {
    return this.#version;
  }

  /**
   * Adds a subscriber and starts its catch-up.
   * @param after the version that its client has; undefined for none
   */
  add(sink: MessageSink, after: number | undefined): Subscriber {
    const subscriber = new Subscriber(sink, after);
    this.#subscribers.add(subscriber);
    void this.#catchUp(subscriber).then(() => this.#sendPresence(subscriber));
    return subscriber;
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** Handles a message of the field's channel. */
  receive(message: ChangeMessage): void {
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
      this.#subscribers.delete(subscriber);
    }
    if (now - this.#lastCheckAt >= (this.#hasGap ? gapCheckIntervalMs : idleCheckIntervalMs)) void this.checkForGap();
  }

  /** Sends the number of active devices to the subscribers if it has changed. */
  async broadcastPresence(): Promise<void> {
    const activeNodes = await this.#deps.presence.count(this.field);
    if (activeNodes === this.#activeNodes) return;
    this.#activeNodes = activeNodes;
    const message = encodeMessage({ type: 'presence', activeNodes });
    for (const subscriber of this.#subscribers) if (subscriber.isFollowing) subscriber.sink.send(message);
  }

  #apply(message: ChangeMessage): void {
    const { from, to, delta } = message;
    if (from === this.#version) {
      this.#readMetrics = () => parseDelta(delta).changes.metrics;
      this.#broadcast(to, new StreamMessage('delta', Buffer.from(delta), to));
    } else if (to <= this.#version) {
      const parsed = parseDelta(delta);
      const lateDelta = toLateDelta(parsed, this.#version, this.#readMetrics?.() ?? parsed.changes.metrics);
      if (lateDelta) this.#broadcast(this.#version, lateDelta);
    } else {
      this.#buffered.push(message);
      void this.checkForGap();
    }
  }

  /** Sends a delta that starts at the newest version to all subscribers that follow, and advances to `to`. */
  #broadcast(to: number, message: StreamMessage): void {
    const delta = { from: this.#version, to, message };
    this.#replayBuffer.push(delta);
    this.#version = to;
    const now = Date.now();
    let sent = 0;
    for (const subscriber of this.#subscribers) {
      const result = subscriber.deliver(delta, now);
      if (result === 'catch-up') void this.#catchUp(subscriber);
      if (result === 'sent') sent += 1;
    }
    this.#deps.metrics.deltas.inc(sent);
  }

  /** Reads the state, advances to it, and then applies the messages that arrived meanwhile. */
  async #fillGap(): Promise<void> {
    this.#lastCheckAt = Date.now();
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
    if (state.version <= this.#version) return;
    const delta =
      this.#subscribers.size === 0 ? undefined : await this.#catchUpSource.createDelta(this.#version, state);
    this.#readMetrics = () => state.fragments.header.metrics;
    if (this.#subscribers.size > 0) this.#deps.metrics.gapFills.inc();
    if (delta) return this.#broadcast(state.version, delta);
    this.#replayBuffer.clear();
    this.#version = state.version;
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
      const isAhead = message.from !== this.#version && message.to > this.#version;
      if (isAhead) this.#buffered.push(message);
      else this.#apply(message);
    }
    return this.#buffered.length > 0;
  }

  /** Brings a subscriber that is catching up to the newest version, and lets it follow from there. */
  async #catchUp(subscriber: Subscriber): Promise<void> {
    try {
      // A client may have a version that this process has not received yet; then the state is read first.
      const isKnown = subscriber.version !== undefined && subscriber.version <= this.#version;
      if (isKnown && this.#replayTo(subscriber)) return;
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        await this.#sendState(subscriber, await this.#catchUpSource.readState());
        if (this.#replayTo(subscriber)) return;
      }
    } catch (error) {
      this.#deps.log.debug({ err: error, field: this.field }, 'subscriber catch-up failed');
    }
    subscriber.reportCatchUpFailed(Date.now(), catchUpRetryMs);
  }

  /** Sends the missing deltas from the replay buffer. Returns whether the subscriber now has the newest version. */
  #replayTo(subscriber: Subscriber): boolean {
    const { version } = subscriber;
    if (version === undefined) return false;
    const deltas = version >= this.#version ? [] : this.#replayBuffer.since(version);
    if (!deltas) return false;
    for (const { message, to } of deltas) subscriber.send(message, to);
    subscriber.reportCaughtUp();
    return true;
  }

  async #sendState(subscriber: Subscriber, state: LoadedState): Promise<void> {
    const from = subscriber.version;
    if (from === state.version) return;
    const delta =
      from !== undefined && from < state.version ? await this.#catchUpSource.createDelta(from, state) : undefined;
    const message = delta ?? (await this.#catchUpSource.createSnapshot(state));
    if (!this.#subscribers.has(subscriber)) return;
    if (message.type === 'snapshot') this.#deps.metrics.snapshots.inc();
    subscriber.send(message, state.version);
  }

  async #sendPresence(subscriber: Subscriber): Promise<void> {
    const activeNodes = await this.#deps.presence.count(this.field);
    if (this.#subscribers.has(subscriber)) subscriber.sink.send(encodeMessage({ type: 'presence', activeNodes }));
  }
}
