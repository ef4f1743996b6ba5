/**
 * Owns the broadcasters of all fields that have subscribers in this process, with one channel subscription per field.
 *
 * Life of a field's subscription:
 * - absent → opening: the first subscriber arrives. The channel is subscribed first and the state is read afterwards, so
 *   that no change falls between the two. Subscribers that arrive meanwhile wait for `ready`.
 * - opening → open: `ready` has resolved, even if the state could not be read: the broadcaster then retries by itself.
 * - open or opening → absent: the last subscriber leaves, or the hub is closed. The channel is unsubscribed.
 */
import type { CacheKeys } from '../../shared/cache/cache-keys.ts';
import { parseChangeMessage } from '../../shared/cache/change-message.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Region } from '../../shared/field/math/region.ts';
import type { TraceDelivery } from '../../shared/observability/delivery-spans.ts';
import type { FollowedPresence, Presence } from '../presence/presence.ts';
import type { RedisSubscriber } from '../redis-subscriber.ts';
import type { LatestVersions } from '../state/latest-versions.ts';
import { BytePace } from './byte-pace.ts';
import { FieldBroadcaster, type FieldBroadcasterDeps } from './field-broadcaster.ts';
import { maxBytesPerSecond, PresenceBroadcaster, type PresenceWatcher } from './presence-broadcaster.ts';
import type { Subscriber, SubscriberOptions } from './subscriber.ts';

const tickIntervalMs = 250;

interface StreamHubDeps extends FieldBroadcasterDeps {
  readonly redisSubscriber: RedisSubscriber;
  readonly keys: CacheKeys;
  readonly versions: LatestVersions;
  readonly presence: Pick<Presence, 'follow'>;
  readonly gridSize: number;
  /** Undefined unless tracing is configured. */
  readonly traceDelivery: TraceDelivery | undefined;
}

interface SubscribeOptions extends SubscriberOptions {
  readonly field: FieldId;
}

export interface Subscription {
  /** @param region undefined for the whole field */
  changeRegion(region: Region | undefined): void;
  /** May be called more than once. */
  end(): void;
}

interface FieldSubscription {
  readonly broadcaster: FieldBroadcaster;
  readonly presence: FollowedPresence;
  readonly presenceBroadcaster: PresenceBroadcaster;
  /** Resolves when subscribers can be added. Never rejects. */
  readonly ready: Promise<void>;
  subscriberCount: number;
}

export class StreamHub {
  readonly #deps: StreamHubDeps;
  readonly #subscriptions = new Map<FieldId, FieldSubscription>();
  /** Runs while there are subscriptions. */
  #timer: NodeJS.Timeout | undefined;
  readonly #presencePace = new BytePace(maxBytesPerSecond);

  constructor(deps: StreamHubDeps) {
    this.#deps = deps;
    deps.redisSubscriber.onReconnect(() => {
      for (const { broadcaster } of this.#subscriptions.values()) void broadcaster.checkForGap();
    });
  }

  /** Sends the field's messages to the sink until the subscription ends. */
  subscribe({ field, ...options }: SubscribeOptions): Subscription {
    const subscription = this.#subscriptions.get(field) ?? this.#open(field);
    subscription.subscriberCount += 1;
    const { broadcaster, presence, presenceBroadcaster } = subscription;
    let subscriber: Subscriber | undefined;
    let watcher: PresenceWatcher | undefined;
    let { region } = options;
    /** Set even if the region is the same, because the client expects a snapshot of it. */
    let hasChanged = false;
    let hasEnded = false;
    void subscription.ready.then(() => {
      if (hasEnded) return;
      subscriber = broadcaster.add(options);
      if (hasChanged) broadcaster.changeRegion(subscriber, region);
    });
    void presence.ready.then(() => {
      if (!hasEnded) watcher = presenceBroadcaster.watch(options.sink, region);
    });
    return {
      changeRegion(next) {
        region = next;
        hasChanged = true;
        if (subscriber) broadcaster.changeRegion(subscriber, next);
        watcher?.moveTo(next);
      },
      end: () => {
        if (hasEnded) return;
        hasEnded = true;
        if (subscriber) broadcaster.remove(subscriber);
        watcher?.leave();
        subscription.subscriberCount -= 1;
        if (subscription.subscriberCount === 0) this.#close(field, subscription);
      },
    };
  }

  close(): void {
    for (const [field, subscription] of this.#subscriptions) this.#close(field, subscription);
  }

  #open(field: FieldId): FieldSubscription {
    const { redisSubscriber, keys, versions, traceDelivery } = this.#deps;
    const broadcaster = new FieldBroadcaster(field, this.#deps);
    const subscribed = redisSubscriber.subscribe(keys.fieldChannel(field), (message) => {
      const change = parseChangeMessage(message);
      const deliver = () => broadcaster.receive(change);
      const { traceparents } = change;
      if (traceDelivery && traceparents) {
        traceDelivery({ field, subscribers: subscription.subscriberCount, traceparents }, deliver);
      } else deliver();
      versions.observe(field, broadcaster.version);
    });
    const subscription: FieldSubscription = {
      broadcaster,
      ...this.#followPresence(field),
      ready: subscribed.then(() => broadcaster.checkForGap()),
      subscriberCount: 0,
    };
    this.#subscriptions.set(field, subscription);
    this.#timer ??= setInterval(() => this.#tick(performance.now()), tickIntervalMs);
    return subscription;
  }

  #followPresence(field: FieldId): Pick<FieldSubscription, 'presence' | 'presenceBroadcaster'> {
    const { presence, gridSize } = this.#deps;
    const followed = presence.follow(field, () => presenceBroadcaster.schedule());
    const presenceBroadcaster: PresenceBroadcaster = new PresenceBroadcaster({
      present: followed.devices,
      pace: this.#presencePace,
      gridSize,
    });
    return { presence: followed, presenceBroadcaster };
  }

  #close(field: FieldId, subscription: FieldSubscription): void {
    if (this.#subscriptions.get(field) !== subscription) return;
    this.#subscriptions.delete(field);
    this.#deps.redisSubscriber.unsubscribe(this.#deps.keys.fieldChannel(field));
    subscription.presenceBroadcaster.close();
    subscription.presence.leave();
    if (this.#subscriptions.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(now: number): void {
    for (const { broadcaster } of this.#subscriptions.values()) broadcaster.tick(now);
  }
}
