/**
 * Limits the open streams of each user and of each address over all processes. Each process writes its own count to Redis, which expires a
 * minute after the process stopped refreshing it. While Redis is unavailable each process limits on its own.
 */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { FieldError } from '../../shared/errors.ts';
import type { Caller } from './caller.ts';

const flushIntervalMs = 200;
const refreshIntervalMs = 20_000;
const entryTtlMs = 60_000;
const retryAfterSeconds = 5;

interface ConcurrentStreamLimiterOptions {
  /** Open streams per user; 0 for no limit. */
  readonly limit: number;
  /** Open streams per address; 0 for no limit. */
  readonly addressLimit: number;
  readonly redis: Redis;
  readonly keyPrefix: string;
}

export class ConcurrentStreamLimiter {
  readonly #options: ConcurrentStreamLimiterOptions;
  readonly #processId = randomUUID();
  readonly #open = new Map<string, number>();
  /** Streams that were reserved in this tick of the event loop and have not been added yet. */
  readonly #reserved = new Map<string, number>();
  /** Holders whose count Redis does not have yet. */
  readonly #dirty = new Set<string>();
  readonly #refreshTimer: NodeJS.Timeout;
  /** Undefined while Redis has every count. */
  #flushTimer: NodeJS.Timeout | undefined;

  constructor(options: ConcurrentStreamLimiterOptions) {
    this.#options = options;
    const markAllDirty = () => {
      for (const holder of this.#open.keys()) this.#markDirty(holder);
    };
    this.#refreshTimer = setInterval(markAllDirty, refreshIntervalMs);
  }

  add(caller: Caller): void {
    for (const holder of listHolders(caller)) {
      const reserved = this.#reserved.get(holder) ?? 0;
      if (reserved > 0) this.#reserved.set(holder, reserved - 1);
      this.#open.set(holder, (this.#open.get(holder) ?? 0) + 1);
      this.#markDirty(holder);
    }
  }

  remove(caller: Caller): void {
    for (const holder of listHolders(caller)) {
      const remaining = (this.#open.get(holder) ?? 0) - 1;
      if (remaining > 0) this.#open.set(holder, remaining);
      else this.#open.delete(holder);
      this.#markDirty(holder);
    }
  }

  /** Reserves a stream until the end of this tick: call `add` without awaiting anything. @throws FieldError `rate_limited` */
  async reserve(caller: Caller): Promise<void> {
    const { limit, addressLimit } = this.#options;
    const [user, address] = listHolders(caller);
    const counted = [
      { holder: user, max: limit, name: 'A user' },
      { holder: address, max: addressLimit, name: 'All users of a network address together' },
    ].filter(({ max }) => max > 0);
    const elsewhere = await Promise.all(counted.map(({ holder }) => this.#countElsewhere(holder)));
    // Concurrent calls resume in the same tick, before the first of them has added its stream.
    for (const [index, { holder, max, name }] of counted.entries()) {
      const here = (this.#open.get(holder) ?? 0) + (this.#reserved.get(holder) ?? 0);
      if ((elsewhere[index] ?? 0) + here < max) continue;
      throw new FieldError('rate_limited', {
        detail: `${name} may have ${max} streams open at once`,
        retryAfterSeconds,
      });
    }
    for (const { holder } of counted) {
      const reserved = this.#reserved.get(holder) ?? 0;
      if (reserved === 0) setImmediate(() => this.#reserved.delete(holder));
      this.#reserved.set(holder, reserved + 1);
    }
  }

  close(): void {
    clearInterval(this.#refreshTimer);
    clearTimeout(this.#flushTimer);
  }

  #markDirty(holder: string): void {
    if (this.#options.limit === 0 && this.#options.addressLimit === 0) return;
    this.#dirty.add(holder);
    this.#flushTimer ??= setTimeout(() => this.#flush(), flushIntervalMs).unref();
  }

  async #countElsewhere(holder: string): Promise<number> {
    try {
      const counts = await this.#options.redis.hgetall(this.#keyOf(holder));
      const now = Date.now();
      return Object.entries(counts)
        .filter(([process]) => process !== this.#processId)
        .map(([, text]) => text.split(' ').map(Number))
        .reduce((sum, [count = 0, expiresAt = 0]) => (expiresAt > now ? sum + count : sum), 0);
    } catch {
      return 0; // The connection logs its errors.
    }
  }

  #flush(): void {
    this.#flushTimer = undefined;
    const expiresAt = Date.now() + entryTtlMs;
    for (const holder of this.#dirty) {
      const key = this.#keyOf(holder);
      const count = this.#open.get(holder);
      // One pipeline per key, because keys may be on different nodes of a cluster.
      const pipeline = this.#options.redis.pipeline();
      if (count === undefined) pipeline.hdel(key, this.#processId);
      else pipeline.hset(key, this.#processId, `${count} ${expiresAt}`).pexpire(key, entryTtlMs);
      // A count that was not written is written again with the next refresh.
      void pipeline.exec().catch(() => undefined);
    }
    this.#dirty.clear();
  }

  #keyOf(holder: string): string {
    return `${this.#options.keyPrefix}:streams:{${holder}}`;
  }
}

/** The user and the address, which cannot have the same key: an address has no space in it. */
function listHolders({ user, address }: Caller): readonly [user: string, address: string] {
  return [`user ${user}`, address];
}
