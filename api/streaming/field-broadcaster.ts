/**
 * The live end of one field: takes the deltas that come over its channel, in whatever order and with whatever gaps, and
 * brings every reader from the version that it has to the newest.
 *
 * Invariants: `#version` only grows, and the ring's deltas lead up to it. A reader is sent a delta only if it stands on
 * the reader's version; everything else is healed, from the ring, the log, or with a snapshot.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeMessage } from '../../shared/cache/change-message.ts';
import type { Metrics } from '../../shared/field/dynamics/metrics.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { LoadedState } from '../state/state-reader.ts';
import { CatchUp, type CatchUpDeps } from './catch-up.ts';
import { parseDeltaMetrics, toLateDelta } from './late-delta.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import { encodeMessage, StreamMessage } from './stream-message.ts';
import { type MessageSink, Subscriber } from './subscriber.ts';

export interface FieldBroadcasterDeps extends CatchUpDeps {
  readonly metrics: ApiMetrics;
}

const idleCheckIntervalMs = 5000;
const gapCheckIntervalMs = 1000;
const maxAttempts = 5;
const retryMs = 1000;
/** Messages kept while a gap is healed; what is beyond is healed afterwards. */
const maxBufferedMessages = 1000;

export class FieldBroadcaster {
  readonly field: FieldId;
  readonly #deps: FieldBroadcasterDeps;
  readonly #catchUpSource: CatchUp;
  readonly #replayBuffer = new ReplayBuffer();
  readonly #subscribers = new Set<Subscriber>();
  #version = 0;
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

  /** Adds a reader and brings it up to date from the version that it says it has. */
  add(sink: MessageSink, after: number | undefined): Subscriber {
    const subscriber = new Subscriber(sink, after);
    this.#subscribers.add(subscriber);
    void this.#catchUp(subscriber).then(() => this.#sendPresence(subscriber));
    return subscriber;
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** Takes a message from the channel. */
  receive(message: ChangeMessage): void {
    if (!this.#gapFill) this.#apply(message);
    else if (this.#buffered.length < maxBufferedMessages) this.#buffered.push(message);
  }

  /** Makes sure that nothing was missed: the channel delivers at most once. */
  checkForGap(): Promise<void> {
    this.#gapFill ??= this.#fillGap().finally(() => {
      this.#gapFill = undefined;
    });
    return this.#gapFill;
  }

  /** Looks after the readers that are behind, and after the feed itself when its time has come. */
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

  /** Tells the readers how many devices are here, if that has changed. */
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
      this.#readMetrics = () => parseDeltaMetrics(delta);
      this.#broadcast(to, new StreamMessage('delta', Buffer.from(delta), to));
    } else if (to <= this.#version) {
      const lateDelta = toLateDelta(delta, this.#version, this.#readMetrics?.() ?? parseDeltaMetrics(delta));
      if (lateDelta) this.#broadcast(this.#version, lateDelta);
    } else {
      this.#buffered.push(message);
      void this.checkForGap();
    }
  }

  /** Gives a delta that stands on the newest version to everybody who is there. */
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

  /** Reads the state, goes there, and then takes what came over the channel meanwhile. */
  async #fillGap(): Promise<void> {
    this.#lastCheckAt = Date.now();
    try {
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        await this.#advanceTo(await this.#catchUpSource.readState());
        this.#hasGap = this.#drainBuffered();
        if (!this.#hasGap) return;
        // A message may be ahead of a replica of the cache, never of PostgreSQL for long.
        await delay(20 * 2 ** attempt);
      }
    } catch (error) {
      this.#hasGap = true;
      this.#deps.log.warn({ err: error, field: this.field }, 'stream cannot be healed yet');
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
    for (const subscriber of this.#subscribers) if (subscriber.isFollowing) void this.#catchUp(subscriber);
  }

  /** Whether there are messages left that are still ahead. */
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

  /** Brings a reader to the newest version by the shortest way there is, and lets it follow from there. */
  async #catchUp(subscriber: Subscriber): Promise<void> {
    subscriber.startCatchUp();
    try {
      // A reader that claims to be ahead may be right: then this feed has yet to hear of it.
      const isKnown = subscriber.version !== undefined && subscriber.version <= this.#version;
      if (isKnown && this.#replayBufferTo(subscriber)) return;
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        await this.#sendState(subscriber, await this.#catchUpSource.readState());
        if (this.#replayBufferTo(subscriber)) return;
      }
    } catch (error) {
      this.#deps.log.debug({ err: error, field: this.field }, 'reader cannot be brought up to date yet');
    }
    subscriber.fallBehind(Date.now(), retryMs);
  }

  /** Whether the reader has the newest version now. */
  #replayBufferTo(subscriber: Subscriber): boolean {
    const { version } = subscriber;
    if (version === undefined) return false;
    const deltas = version >= this.#version ? [] : this.#replayBuffer.since(version);
    if (!deltas) return false;
    for (const { message, to } of deltas) subscriber.send(message, to);
    subscriber.follow();
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
