/**
 * The one connection of this process that subscribes to channels, with at most one handler per channel. Messages that are
 * published while it is disconnected are lost: after each reconnect it subscribes to all channels again and then runs the
 * reconnect callbacks, so that their owners can read what they missed.
 *
 * Modes: disconnected → (connection ready) subscribing → (all channels subscribed) subscribed → (connection closed)
 * disconnected. A failed SUBSCRIBE or PING closes the connection, and ioredis reconnects.
 */
import type { Logger } from '../shared/process/logger.ts';

type Handler = (message: string) => void;

/** What the subscriber needs of a connection to Redis: the simulation implements it in memory. */
export interface SubscriberConnection {
  readonly status: string;
  on(event: 'message', listener: (channel: string, message: string) => void): unknown;
  on(event: 'ready' | 'close', listener: () => void): unknown;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  ping(): Promise<unknown>;
  disconnect(reconnect: boolean): void;
}

const pingIntervalMs = 5000;
const channelsPerCommand = 500;

export class RedisSubscriber {
  readonly #redis: SubscriberConnection;
  readonly #log: Logger;
  readonly #handlers = new Map<string, Handler>();
  readonly #reconnectCallbacks: (() => void)[] = [];
  readonly #pingTimer: NodeJS.Timeout;
  #isSubscribed = false;

  /** @param redis a dedicated connection, without `autoResubscribe` and without an offline queue */
  constructor(redis: SubscriberConnection, log: Logger) {
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

  /** Whether messages on all channels of this process reach it. */
  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  /** Registers a callback that runs after the first connect and after each reconnect, once all channels are subscribed. */
  onReconnect(callback: () => void): void {
    this.#reconnectCallbacks.push(callback);
  }

  /**
   * Resolves when the channel is subscribed, or when that failed and has to wait for the next connection. Never rejects.
   */
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

  /** A handler's error must not end the process: the owner of the channel fills the gap that the message leaves. */
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

  /** Detects a half-open connection, on which neither messages nor errors would ever arrive. */
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
