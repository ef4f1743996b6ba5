/**
 * The one connection that listens on channels. Subscribes anew after every reconnect, and only then says that it is back:
 * what was published in between is lost, and whoever listens must look for himself.
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

  /** @param redis a connection of its own, without `autoResubscribe` and without an offline queue */
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

  /** Whether what is published reaches this process. */
  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  /** Calls back after each (re)connect, with all channels subscribed. */
  onReconnect(callback: () => void): void {
    this.#reconnectCallbacks.push(callback);
  }

  /** Resolves when the channel is subscribed, or when it is plain that it has to wait for the connection. */
  async subscribe(channel: string, handler: Handler): Promise<void> {
    this.#handlers.set(channel, handler);
    try {
      await this.#redis.subscribe(channel);
    } catch (error) {
      this.#log.debug({ err: error, channel }, 'not subscribed yet');
      if (this.#redis.status === 'ready') this.#redis.disconnect(true);
    }
  }

  unsubscribe(channel: string): void {
    this.#handlers.delete(channel);
    this.#redis
      .unsubscribe(channel)
      .catch((error) => this.#log.debug({ err: error, channel }, 'nothing to unsubscribe from'));
  }

  close(): void {
    clearInterval(this.#pingTimer);
    this.#reconnectCallbacks.length = 0;
    this.#handlers.clear();
  }

  /** A message that cannot be read must not end the process: whoever listens heals what it would have said. */
  #dispatch(channel: string, message: string): void {
    try {
      this.#handlers.get(channel)?.(message);
    } catch (error) {
      this.#log.error({ err: error, channel }, 'message on a channel not understood');
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
      this.#log.warn({ err: error }, 'could not subscribe again');
      if (this.#redis.status === 'ready') this.#redis.disconnect(true);
    }
  }

  /** A half-open connection stays silent: only an answer proves that it lives. */
  async #checkConnection(): Promise<void> {
    if (this.#redis.status !== 'ready') return;
    try {
      await this.#redis.ping();
    } catch (error) {
      this.#log.warn({ err: error }, 'the subscriber does not answer');
      this.#redis.disconnect(true);
    }
  }
}
