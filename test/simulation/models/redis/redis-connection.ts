/** A connection to the model of Redis with the commands that the cache, presence and the subscriber use. */

import type { PresenceConnection } from '../../../../api/presence/presence-store.ts';
import type { SubscriberConnection } from '../../../../api/redis-subscriber.ts';
import type { CacheConnection } from '../../../../shared/cache/field-cache.ts';
import type { VirtualTime } from '../../kernel/virtual-time.ts';
import type { Link } from '../link.ts';
import type { ChannelListener, RedisServer } from './redis-server.ts';
import type { Script } from './scripts.ts';

interface RedisConnectionDeps {
  readonly time: VirtualTime;
  readonly server: RedisServer;
  readonly link: Link;
  readonly scripts: Readonly<Record<string, Script>>;
}

export class RedisConnection implements CacheConnection, PresenceConnection {
  readonly #deps: RedisConnectionDeps;

  constructor(deps: RedisConnectionDeps) {
    this.#deps = deps;
  }

  /** Adds a method, as ioredis does. */
  defineCommand(name: string): void {
    const { server, link, scripts } = this.#deps;
    const script = scripts[name];
    if (!script) throw new Error(`the model of Redis has no script ${name}`);
    const value = (...args: (string | number)[]) => link.request(() => script(server, args));
    Object.defineProperty(this, name, { value, configurable: true });
  }

  hget(key: string, field: string): Promise<string | null> {
    return this.#deps.link.request(() => this.#deps.server.readHash(key)?.get(field) ?? null);
  }

  publish(channel: string, message: string): Promise<number> {
    return this.#deps.link.request(() => this.#deps.server.publish(channel, message));
  }
}

const reconnectMs = 200;
const deliveryMs = 0.3;
const timeoutMs = 2000;

type Listeners = {
  message: ((channel: string, message: string) => void)[];
  ready: (() => void)[];
  close: (() => void)[];
};

/** The connection that subscribes to channels. It reconnects by itself; messages of the time in between are lost. */
export class SubscriberRedis implements SubscriberConnection, ChannelListener {
  status = 'connecting';
  readonly #deps: RedisConnectionDeps;
  readonly #owner: ReturnType<VirtualTime['scheduleFor']>['owner'];
  readonly #listeners: Listeners = { message: [], ready: [], close: [] };
  #lastDeliveryAt = 0;
  /** Whether something was lost on the way: nothing arrives any more, and only pings that are not answered tell. */
  #isBroken = false;

  constructor(deps: RedisConnectionDeps) {
    this.#deps = deps;
    this.#owner = deps.time.current;
    this.#connectLater();
  }

  on<Name extends keyof Listeners>(event: Name, listener: Listeners[Name][number]): void {
    (this.#listeners[event] as (typeof listener)[]).push(listener);
  }

  subscribe(...channels: string[]): Promise<unknown> {
    return this.#whileReady(() => {
      for (const channel of channels) this.#deps.server.subscribe(channel, this);
    });
  }

  unsubscribe(channel: string): Promise<unknown> {
    return this.#whileReady(() => this.#deps.server.unsubscribe(channel, this));
  }

  ping(): Promise<unknown> {
    return this.#whileReady(() => undefined);
  }

  disconnect(): void {
    if (this.status !== 'ready') return;
    this.#deps.server.unsubscribeAll(this);
    this.#close();
  }

  /** Called by the server: in order, and lost on a link that is cut. */
  deliver(channel: string, message: string): void {
    const { time, link } = this.#deps;
    if (link.state !== 'ok') this.#isBroken = true;
    if (this.#isBroken) return;
    this.#lastDeliveryAt = Math.max(time.now + deliveryMs + link.slownessMs, this.#lastDeliveryAt);
    time.scheduleFor(this.#owner, this.#lastDeliveryAt - time.now, () => {
      for (const listener of this.#listeners.message) listener(channel, message);
    });
  }

  drop(): void {
    this.#deps.time.scheduleFor(this.#owner, deliveryMs, () => {
      if (this.status === 'ready') this.#close();
    });
  }

  #whileReady(serve: () => void): Promise<unknown> {
    if (this.status !== 'ready') return Promise.reject(new Error('Connection is closed.'));
    if (this.#isBroken) return this.#timeOut();
    return this.#deps.link.request(serve);
  }

  #timeOut(): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.#deps.time.schedule(timeoutMs, () => reject(new Error('Command timed out')));
    });
  }

  #close(): void {
    this.status = 'reconnecting';
    for (const listener of this.#listeners.close) listener();
    this.#connectLater();
  }

  #connectLater(): void {
    const { time, server, link } = this.#deps;
    time.scheduleFor(this.#owner, reconnectMs, () => {
      if (link.state !== 'ok' || !server.isUp) return this.#connectLater();
      this.status = 'ready';
      this.#isBroken = false;
      for (const listener of this.#listeners.ready) listener();
    });
  }
}
