/**
 * The process's one Redis connection for channel subscriptions. Resubscribes after every reconnect and then notifies the
 * `onReconnect` callbacks: messages that were published in between are lost, and subscribers must check for gaps.
 */
import type { Redis } from 'ioredis';
import type { Logger } from '../shared/process/logger.ts';

type Handler = (message: string) => void;

const pingIntervalMs = 5000;
const channelsPerCommand = 500;

export class RedisSubscriber {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #handlers = new Map<string, Handler>();
  readonly #reconnectCallbacks: (() => void)[] = [];
  readonly #pingTimer: NodeJS.Timeout;
  #isSubscribed = false;

  /** @param redis a dedicated connection, without `autoResubscribe` and without an offline queue */
  constructor(redis: Redis, log: Logger) {
    this.#redis = redis;
    this.#log = log;
    redis.on('message', (channel: string, message: string) => this.#dispatch(channel, message));
    redis.on('ready', () => void this.#subscribeAll());
    redis.on('close', () => {
      this.#isSubscribed = false;
    });
    if (redis.status === 'ready') void this.#subscribeAll();
    this.#pingTimer = setInterval(() => void this.#checkConnection(), pingIntervalMs);
  }

  /** Whether all channels are subscribed, so that messages arrive. */
  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  /** Calls back after each (re)connect, once all channels are subscribed. */
  onReconnect(callback: () => void): void {
    this.#reconnectCallbacks.push(callback);
  }

  /** Resolves when the channel is subscribed, or when subscribing has to wait for the connection. */
  async subscribe(channel: string, handler: Handler): Promise<void> {
    this.#handlers.set(channel, handler);
    try {
      await this.#redis.subscribe(channel);
    } catch (error) {
      this.#log.debug({ err: error, channel }, 'channel subscription failed');
      if (this.#redis.status === 'ready') this.#redis.disconnect(true);
    }
  }

  unsubscribe(channel: string): void {
    this.#handlers.delete(channel);
    this.#redis
      .unsubscribe(channel)
      .catch((error) => this.#log.debug({ err: error, channel }, 'channel unsubscription failed'));
  }

  close(): void {
    clearInterval(this.#pingTimer);
    this.#reconnectCallbacks.length = 0;
    this.#handlers.clear();
  }

  /** A handler that throws must not end the process: subscribers fill the gap that a lost message leaves. */
  #dispatch(channel: string, message: string): void {
    try {
      this.#handlers.get(channel)?.(message);
    } catch (error) {
      this.#log.error({ err: error, channel }, 'channel message handler failed');
    }
  }

  async #subscribeAll(): Promise<void> {
    try {
      const channels = [...this.#handlers.keys()];
      for (let start = 0; start < channels.length; start += channelsPerCommand) {
        await this.#redis.subscribe(...channels.slice(start, start + channelsPerCommand));
      }
      this.#isSubscribed = true;
      for (const callback of this.#reconnectCallbacks) callback();
    } catch (error) {
      this.#log.warn({ err: error }, 'resubscription failed');
      if (this.#redis.status === 'ready') this.#redis.disconnect(true);
    }
  }

  /** A half-open connection emits no error, so it is detected by a ping without a response. */
  async #checkConnection(): Promise<void> {
    if (this.#redis.status !== 'ready') return;
    try {
      await this.#redis.ping();
    } catch (error) {
      this.#log.warn({ err: error }, 'subscriber ping failed');
      this.#redis.disconnect(true);
    }
  }
}
