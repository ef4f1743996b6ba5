/**
 * A model of a Redis server: strings, hashes and sorted sets with expiry, channels, and the scripts of the cache. Commands are
 * carried out one at a time. A restart may bring back an older copy, or nothing.
 */
import type { VirtualTime } from '../../kernel/virtual-time.ts';
import type { Reachable } from '../link.ts';

type Value = string | ReadonlyMap<string, string> | ReadonlyMap<string, number>;

interface Entry {
  readonly value: Value;
  readonly expiresAt: number;
}

/** A connection that has subscribed to channels. */
export interface ChannelListener {
  deliver(channel: string, message: string): void;
  /** The server has closed the connection. */
  drop(): void;
}

export class RedisServer implements Reachable {
  isUp = true;
  stalledUntil = 0;
  readonly #time: VirtualTime;
  #entries = new Map<string, Entry>();
  readonly #channels = new Map<string, Set<ChannelListener>>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** What is stored now. A value is never changed, only replaced. */
  copy(): ReadonlyMap<string, Entry> {
    return new Map(this.#entries);
  }

  stop(): void {
    this.isUp = false;
    const listeners = new Set([...this.#channels.values()].flatMap((each) => [...each]));
    this.#channels.clear();
    for (const listener of listeners) listener.drop();
  }

  start(copy: ReadonlyMap<string, Entry>): void {
    this.isUp = true;
    this.#entries = new Map(copy);
  }

  /** Its own clock. */
  get now(): number {
    return Math.round(this.#time.now);
  }

  get(key: string): string | undefined {
    const value = this.#read(key);
    return typeof value === 'string' ? value : undefined;
  }

  set(key: string, value: string, ttlSeconds: number): void {
    this.#entries.set(key, { value, expiresAt: this.#expiry(ttlSeconds) });
  }

  readHash(key: string): ReadonlyMap<string, string> | undefined {
    const value = this.#read(key);
    return value instanceof Map ? value : undefined;
  }

  writeHash(key: string, value: ReadonlyMap<string, string>, ttlSeconds: number): void {
    this.#entries.set(key, { value, expiresAt: this.#expiry(ttlSeconds) });
  }

  readSortedSet(key: string): ReadonlyMap<string, number> {
    const value = this.#read(key);
    return value instanceof Map ? value : new Map();
  }

  writeSortedSet(key: string, value: ReadonlyMap<string, number>, ttlSeconds: number): void {
    this.#entries.set(key, { value, expiresAt: this.#expiry(ttlSeconds) });
  }

  delete(...keys: string[]): void {
    for (const key of keys) this.#entries.delete(key);
  }

  publish(channel: string, message: string): number {
    const listeners = this.#channels.get(channel) ?? new Set();
    for (const listener of listeners) listener.deliver(channel, message);
    return listeners.size;
  }

  subscribe(channel: string, listener: ChannelListener): void {
    const listeners = this.#channels.get(channel) ?? new Set();
    listeners.add(listener);
    this.#channels.set(channel, listeners);
  }

  unsubscribe(channel: string, listener: ChannelListener): void {
    this.#channels.get(channel)?.delete(listener);
  }

  unsubscribeAll(listener: ChannelListener): void {
    for (const listeners of this.#channels.values()) listeners.delete(listener);
  }

  #read(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry || entry.expiresAt > this.#time.now) return entry?.value;
    this.#entries.delete(key);
    return undefined;
  }

  #expiry(ttlSeconds: number): number {
    return this.#time.now + ttlSeconds * 1000;
  }
}
