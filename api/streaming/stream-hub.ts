/**
 * The feeds of all fields that somebody watches through this process: one subscription per field, counted by its
 * readers, and one clock that looks after them all.
 */

import type { CacheKeys } from '../../shared/cache/cache-keys.ts';
import { parseChangeMessage } from '../../shared/cache/change-message.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { RedisSubscriber } from '../redis-subscriber.ts';
import type { LatestVersions } from '../state/latest-versions.ts';
import { FieldBroadcaster, type FieldBroadcasterDeps } from './field-broadcaster.ts';
import type { MessageSink, Subscriber } from './subscriber.ts';

const tickIntervalMs = 250;
const presenceIntervalMs = 2000;

interface StreamHubDeps extends FieldBroadcasterDeps {
  readonly redisSubscriber: RedisSubscriber;
  readonly keys: CacheKeys;
  readonly versions: LatestVersions;
}

interface SubscribeOptions {
  readonly field: FieldId;
  readonly sink: MessageSink;
  /** The version that the reader has. */
  readonly after: number | undefined;
}

interface FieldSubscription {
  readonly broadcaster: FieldBroadcaster;
  readonly ready: Promise<void>;
  subscriberCount: number;
}

export class StreamHub {
  readonly #deps: StreamHubDeps;
  readonly #subscriptions = new Map<FieldId, FieldSubscription>();
  readonly #timer: NodeJS.Timeout;
  #lastPresenceAt = 0;

  constructor(deps: StreamHubDeps) {
    this.#deps = deps;
    deps.redisSubscriber.onReconnect(() => {
      for (const { broadcaster } of this.#subscriptions.values()) void broadcaster.checkForGap();
    });
    this.#timer = setInterval(() => this.#tick(Date.now()), tickIntervalMs);
  }

  /** Lets a listener follow a field until the function that is returned is called. */
  subscribe({ field, sink, after }: SubscribeOptions): () => void {
    const subscription = this.#subscriptions.get(field) ?? this.#open(field);
    subscription.subscriberCount += 1;
    let subscriber: Subscriber | undefined;
    let isUnsubscribed = false;
    void subscription.ready.then(() => {
      if (!isUnsubscribed) subscriber = subscription.broadcaster.add(sink, after);
    });
    return () => {
      if (isUnsubscribed) return;
      isUnsubscribed = true;
      if (subscriber) subscription.broadcaster.remove(subscriber);
      subscription.subscriberCount -= 1;
      if (subscription.subscriberCount === 0) this.#close(field, subscription);
    };
  }

  close(): void {
    clearInterval(this.#timer);
    for (const [field, subscription] of this.#subscriptions) this.#close(field, subscription);
  }

  /** Subscribes first and reads then, so that nothing falls in between. */
  #open(field: FieldId): FieldSubscription {
    const { redisSubscriber, keys, versions } = this.#deps;
    const broadcaster = new FieldBroadcaster(field, this.#deps);
    const subscribed = redisSubscriber.subscribe(keys.fieldChannel(field), (message) => {
      broadcaster.receive(parseChangeMessage(message));
      versions.observe(field, broadcaster.version);
    });
    const subscription = { broadcaster, ready: subscribed.then(() => broadcaster.checkForGap()), subscriberCount: 0 };
    this.#subscriptions.set(field, subscription);
    return subscription;
  }

  #close(field: FieldId, subscription: FieldSubscription): void {
    if (this.#subscriptions.get(field) !== subscription) return;
    this.#subscriptions.delete(field);
    this.#deps.redisSubscriber.unsubscribe(this.#deps.keys.fieldChannel(field));
  }

  #tick(now: number): void {
    const isPresenceDue = now - this.#lastPresenceAt >= presenceIntervalMs;
    if (isPresenceDue) this.#lastPresenceAt = now;
    for (const { broadcaster } of this.#subscriptions.values()) {
      broadcaster.tick(now);
      if (isPresenceDue) void broadcaster.broadcastPresence();
    }
  }
}
