/**
 * Limits the open streams of each user over all processes. Each process writes its own count to Redis, which expires a
 * minute after the process stopped refreshing it. While Redis is unavailable each process limits on its own.
 */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { FieldError } from '../../shared/errors.ts';

const flushIntervalMs = 200;
const refreshIntervalMs = 20_000;
const entryTtlMs = 60_000;
const retryAfterSeconds = 5;

interface ConcurrentStreamLimiterOptions {
  /** Open streams per user; 0 for no limit. */
  readonly limit: number;
  readonly redis: Redis;
  readonly keyPrefix: string;
}

export class ConcurrentStreamLimiter {
  readonly #options: ConcurrentStreamLimiterOptions;
  readonly #processId = randomUUID();
  readonly #open = new Map<string, number>();
  /** Streams that were reserved in this tick of the event loop and have not been added yet. */
  readonly #reserved = new Map<string, number>();
  /** Users whose count Redis does not have yet. */
  readonly #dirty = new Set<string>();
  readonly #timers: readonly NodeJS.Timeout[];

  constructor(options: ConcurrentStreamLimiterOptions) {
    this.#options = options;
    const markAllDirty = () => {
      for (const user of this.#open.keys()) this.#dirty.add(user);
    };
    this.#timers = [setInterval(() => this.#flush(), flushIntervalMs), setInterval(markAllDirty, refreshIntervalMs)];
  }

  add(user: string): void {
    const reserved = this.#reserved.get(user) ?? 0;
    if (reserved > 0) this.#reserved.set(user, reserved - 1);
    this.#open.set(user, (this.#open.get(user) ?? 0) + 1);
    this.#dirty.add(user);
  }

  remove(user: string): void {
    const remaining = (this.#open.get(user) ?? 0) - 1;
    if (remaining > 0) this.#open.set(user, remaining);
    else this.#open.delete(user);
    this.#dirty.add(user);
  }

  /** Reserves a stream until the end of this tick: call `add` without awaiting anything. @throws FieldError `rate_limited` */
  async reserve(user: string): Promise<void> {
    const { limit } = this.#options;
    if (limit === 0) return;
    const elsewhere = await this.#countElsewhere(user);
    // Concurrent calls resume in the same tick, before the first of them has added its stream.
    const reserved = this.#reserved.get(user) ?? 0;
    if (elsewhere + (this.#open.get(user) ?? 0) + reserved < limit) {
      if (reserved === 0) setImmediate(() => this.#reserved.delete(user));
      this.#reserved.set(user, reserved + 1);
      return;
    }
    throw new FieldError('rate_limited', {
      detail: `A user may have ${limit} streams open at once`,
      retryAfterSeconds,
    });
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #countElsewhere(user: string): Promise<number> {
    try {
      const counts = await this.#options.redis.hgetall(this.#keyOf(user));
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
    if (this.#dirty.size === 0 || this.#options.limit === 0) return;
    const expiresAt = Date.now() + entryTtlMs;
    for (const user of this.#dirty) {
      const key = this.#keyOf(user);
      const count = this.#open.get(user);
      // One pipeline per key, because keys may be on different nodes of a cluster.
      const pipeline = this.#options.redis.pipeline();
      if (count === undefined) pipeline.hdel(key, this.#processId);
      else pipeline.hset(key, this.#processId, `${count} ${expiresAt}`).pexpire(key, entryTtlMs);
      // A count that was not written is written again with the next refresh.
      void pipeline.exec().catch(() => undefined);
    }
    this.#dirty.clear();
  }

  #keyOf(user: string): string {
    return `${this.#options.keyPrefix}:streams:{${user}}`;
  }
}
