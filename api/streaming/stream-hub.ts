/**
 * The feeds of all fields that somebody watches through this process: one subscription per field, counted by its
 * readers, and one clock that looks after them all.
 */

import { type CacheNames, parseChangeMessage } from '../../shared/cache/field-cache.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { ChannelSubscriber } from '../redis-subscriber.ts';
import type { KnownVersions } from '../state/latest-versions.ts';
import { type FeedSources, FieldFeed } from './field-broadcaster.ts';
import type { Follower, Listener } from './subscriber.ts';

const tickMs = 250;
const presenceEveryMs = 2000;

interface HubOptions extends FeedSources {
  readonly subscriber: ChannelSubscriber;
  readonly names: CacheNames;
  readonly versions: KnownVersions;
}

interface JoinRequest {
  readonly field: FieldId;
  readonly listener: Listener;
  /** The version that the reader has. */
  readonly after: number | undefined;
}

interface Watched {
  readonly feed: FieldFeed;
  readonly started: Promise<void>;
  readers: number;
}

export class FieldHub {
  readonly #options: HubOptions;
  readonly #watched = new Map<FieldId, Watched>();
  readonly #clock: NodeJS.Timeout;
  #presenceAt = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    options.subscriber.onReconnect(() => {
      for (const { feed } of this.#watched.values()) void feed.check();
    });
    this.#clock = setInterval(() => this.#tick(Date.now()), tickMs);
  }

  /** Lets a listener follow a field until the function that is returned is called. */
  join({ field, listener, after }: JoinRequest): () => void {
    const watched = this.#watched.get(field) ?? this.#watch(field);
    watched.readers += 1;
    let follower: Follower | undefined;
    let hasLeft = false;
    void watched.started.then(() => {
      if (!hasLeft) follower = watched.feed.add(listener, after);
    });
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      if (follower) watched.feed.remove(follower);
      watched.readers -= 1;
      if (watched.readers === 0) this.#forget(field, watched);
    };
  }

  close(): void {
    clearInterval(this.#clock);
    for (const [field, watched] of this.#watched) this.#forget(field, watched);
  }

  /** Subscribes first and reads then, so that nothing falls in between. */
  #watch(field: FieldId): Watched {
    const { subscriber, names, versions } = this.#options;
    const feed = new FieldFeed(field, this.#options);
    const listening = subscriber.listen(names.fieldChannel(field), (message) => {
      feed.receive(parseChangeMessage(message));
      versions.note(field, feed.version);
    });
    const watched = { feed, started: listening.then(() => feed.check()), readers: 0 };
    this.#watched.set(field, watched);
    return watched;
  }

  #forget(field: FieldId, watched: Watched): void {
    if (this.#watched.get(field) !== watched) return;
    this.#watched.delete(field);
    this.#options.subscriber.ignore(this.#options.names.fieldChannel(field));
  }

  #tick(now: number): void {
    const announces = now - this.#presenceAt >= presenceEveryMs;
    if (announces) this.#presenceAt = now;
    for (const { feed } of this.#watched.values()) {
      feed.tick(now);
      if (announces) void feed.announcePresence();
    }
  }
}
