/**
 * The live end of one field: takes the deltas that come over its channel, in whatever order and with whatever gaps, and
 * brings every reader from the version that it has to the newest.
 *
 * Invariants: `#version` only grows, and the ring's deltas lead up to it. A reader is sent a delta only if it stands on
 * the reader's version; everything else is healed, from the ring, the log, or with a snapshot.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeMessage } from '../../shared/cache/field-cache.ts';
import type { Metrics } from '../../shared/field/dynamics/metrics.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { ReadState } from '../state/state-reader.ts';
import { CatchUpSource, type CatchUpSources } from './catch-up.ts';
import { metricsOfDelta, rewriteOldDelta } from './late-delta.ts';
import { DeltaRing } from './replay-buffer.ts';
import { encodeMessage, StreamMessage } from './stream-message.ts';
import { Follower, type Listener } from './subscriber.ts';

export interface FeedSources extends CatchUpSources {
  readonly metrics: ApiMetrics;
}

const checkEveryMs = 5000;
const checkWhenUnsureEveryMs = 1000;
const maxRounds = 5;
const retryMs = 1000;
/** Messages kept while a gap is healed; what is beyond is healed afterwards. */
const maxWaiting = 1000;

export class FieldFeed {
  readonly field: FieldId;
  readonly #sources: FeedSources;
  readonly #source: CatchUpSource;
  readonly #ring = new DeltaRing();
  readonly #followers = new Set<Follower>();
  #version = 0;
  #readMetrics: (() => Metrics) | undefined;
  #waiting: ChangeMessage[] = [];
  #healing: Promise<void> | undefined;
  #checkedAt = 0;
  #isUnsure = false;
  #activeNodes: number | undefined;

  constructor(field: FieldId, sources: FeedSources) {
    this.field = field;
    this.#sources = sources;
    this.#source = new CatchUpSource(field, sources);
  }

  get version(): number {
    return this.#version;
  }

  /** Adds a reader and brings it up to date from the version that it says it has. */
  add(listener: Listener, after: number | undefined): Follower {
    const follower = new Follower(listener, after);
    this.#followers.add(follower);
    void this.#bringUp(follower).then(() => this.#greet(follower));
    return follower;
  }

  remove(follower: Follower): void {
    this.#followers.delete(follower);
  }

  /** Takes a message from the channel. */
  receive(message: ChangeMessage): void {
    if (!this.#healing) this.#take(message);
    else if (this.#waiting.length < maxWaiting) this.#waiting.push(message);
  }

  /** Makes sure that nothing was missed: the channel delivers at most once. */
  check(): Promise<void> {
    this.#healing ??= this.#heal().finally(() => {
      this.#healing = undefined;
    });
    return this.#healing;
  }

  /** Looks after the readers that are behind, and after the feed itself when its time has come. */
  tick(now: number): void {
    for (const follower of this.#followers) {
      const need = follower.check(now);
      if (need === 'catch-up') void this.#bringUp(follower);
      if (need !== 'closed') continue;
      this.#sources.metrics.slowClosed.inc();
      this.#followers.delete(follower);
    }
    if (now - this.#checkedAt >= (this.#isUnsure ? checkWhenUnsureEveryMs : checkEveryMs)) void this.check();
  }

  /** Tells the readers how many devices are here, if that has changed. */
  async announcePresence(): Promise<void> {
    const activeNodes = await this.#sources.presence.count(this.field);
    if (activeNodes === this.#activeNodes) return;
    this.#activeNodes = activeNodes;
    const message = encodeMessage({ type: 'presence', activeNodes });
    for (const follower of this.#followers) if (follower.isFollowing) follower.listener.send(message);
  }

  #take(message: ChangeMessage): void {
    const { from, to, delta } = message;
    if (from === this.#version) {
      this.#readMetrics = () => metricsOfDelta(delta);
      this.#advance(to, new StreamMessage('delta', Buffer.from(delta), to));
    } else if (to <= this.#version) {
      const news = rewriteOldDelta(delta, this.#version, this.#readMetrics?.() ?? metricsOfDelta(delta));
      if (news) this.#advance(this.#version, news);
    } else {
      this.#waiting.push(message);
      void this.check();
    }
  }

  /** Gives a delta that stands on the newest version to everybody who is there. */
  #advance(to: number, message: StreamMessage): void {
    const delta = { from: this.#version, to, message };
    this.#ring.push(delta);
    this.#version = to;
    const now = Date.now();
    let sent = 0;
    for (const follower of this.#followers) {
      const need = follower.offer(delta, now);
      if (need === 'catch-up') void this.#bringUp(follower);
      if (need === 'sent') sent += 1;
    }
    this.#sources.metrics.deltas.inc(sent);
  }

  /** Reads the state, goes there, and then takes what came over the channel meanwhile. */
  async #heal(): Promise<void> {
    this.#checkedAt = Date.now();
    try {
      for (let round = 0; round < maxRounds; round++) {
        await this.#goTo(await this.#source.readState());
        this.#isUnsure = this.#takeWaiting();
        if (!this.#isUnsure) return;
        // A message may be ahead of a replica of the cache, never of PostgreSQL for long.
        await delay(20 * 2 ** round);
      }
    } catch (error) {
      this.#isUnsure = true;
      this.#sources.log.warn({ err: error, field: this.field }, 'stream cannot be healed yet');
    }
    this.#waiting = [];
  }

  async #goTo(state: ReadState): Promise<void> {
    if (state.version <= this.#version) return;
    const delta = this.#followers.size === 0 ? undefined : await this.#source.makeDelta(this.#version, state);
    this.#readMetrics = () => state.pieces.head.metrics;
    if (this.#followers.size > 0) this.#sources.metrics.heals.inc();
    if (delta) return this.#advance(state.version, delta);
    this.#ring.clear();
    this.#version = state.version;
    for (const follower of this.#followers) if (follower.isFollowing) void this.#bringUp(follower);
  }

  /** Whether there are messages left that are still ahead. */
  #takeWaiting(): boolean {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) {
      const isAhead = message.from !== this.#version && message.to > this.#version;
      if (isAhead) this.#waiting.push(message);
      else this.#take(message);
    }
    return this.#waiting.length > 0;
  }

  /** Brings a reader to the newest version by the shortest way there is, and lets it follow from there. */
  async #bringUp(follower: Follower): Promise<void> {
    follower.catchUp();
    try {
      // A reader that claims to be ahead may be right: then this feed has yet to hear of it.
      const isKnown = follower.version !== undefined && follower.version <= this.#version;
      if (isKnown && this.#sendRing(follower)) return;
      for (let round = 0; round < maxRounds; round++) {
        await this.#sendState(follower, await this.#source.readState());
        if (this.#sendRing(follower)) return;
      }
    } catch (error) {
      this.#sources.log.debug({ err: error, field: this.field }, 'reader cannot be brought up to date yet');
    }
    follower.fallBehind(Date.now(), retryMs);
  }

  /** Whether the reader has the newest version now. */
  #sendRing(follower: Follower): boolean {
    const { version } = follower;
    if (version === undefined) return false;
    const deltas = version >= this.#version ? [] : this.#ring.since(version);
    if (!deltas) return false;
    for (const { message, to } of deltas) follower.send(message, to);
    follower.follow();
    return true;
  }

  async #sendState(follower: Follower, state: ReadState): Promise<void> {
    const from = follower.version;
    if (from === state.version) return;
    const delta = from !== undefined && from < state.version ? await this.#source.makeDelta(from, state) : undefined;
    const message = delta ?? (await this.#source.makeSnapshot(state));
    if (!this.#followers.has(follower)) return;
    if (message.type === 'snapshot') this.#sources.metrics.snapshots.inc();
    follower.send(message, state.version);
  }

  async #greet(follower: Follower): Promise<void> {
    const activeNodes = await this.#sources.presence.count(this.field);
    if (this.#followers.has(follower)) follower.listener.send(encodeMessage({ type: 'presence', activeNodes }));
  }
}
