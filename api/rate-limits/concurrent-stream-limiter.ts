/**
 * How many streams each user holds open, over all processes: each tells its own number, which is forgotten when the process
 * is not heard from for a minute. While Redis is away each process counts for itself.
 */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { FieldError } from '../../shared/errors.ts';

const flushIntervalMs = 200;
const refreshIntervalMs = 20_000;
const entryTtlMs = 60_000;
const retryAfterSeconds = 5;

interface ConcurrentStreamLimiterOptions {
  /** Streams of a user; 0 for no limit. */
  readonly limit: number;
  readonly redis: Redis;
  readonly keyPrefix: string;
}

export class ConcurrentStreamLimiter {
  readonly #options: ConcurrentStreamLimiterOptions;
  readonly #processId = randomUUID();
  readonly #open = new Map<string, number>();
  /** Those that were let in with this turn of the event loop, and have not been added yet. */
  readonly #reserved = new Map<string, number>();
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

  /** Whether one more may be opened, at once: then `add` it without waiting for anything. @throws FieldError `rate_limited` */
  async reserve(user: string): Promise<void> {
    const { limit } = this.#options;
    if (limit === 0) return;
    const elsewhere = await this.#countElsewhere(user);
    // Many that knock at once hear of the others in the same turn, before the first of them is added.
    const reserved = this.#reserved.get(user) ?? 0;
    if (elsewhere + (this.#open.get(user) ?? 0) + reserved < limit) {
      if (reserved === 0) setImmediate(() => this.#reserved.delete(user));
      this.#reserved.set(user, reserved + 1);
      return;
    }
    throw new FieldError('rate_limited', { detail: `${limit} streams may be open at once`, retryAfterSeconds });
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
      return 0; // Said by the connection's own listener.
    }
  }

  #flush(): void {
    if (this.#dirty.size === 0 || this.#options.limit === 0) return;
    const expiresAt = Date.now() + entryTtlMs;
    for (const user of this.#dirty) {
      const key = this.#keyOf(user);
      const count = this.#open.get(user);
      // One pipeline a key: those of several may be on several nodes of a cluster.
      const pipeline = this.#options.redis.pipeline();
      if (count === undefined) pipeline.hdel(key, this.#processId);
      else pipeline.hset(key, this.#processId, `${count} ${expiresAt}`).pexpire(key, entryTtlMs);
      // What is lost is told again soon.
      void pipeline.exec().catch(() => undefined);
    }
    this.#dirty.clear();
  }

  #keyOf(user: string): string {
    return `${this.#options.keyPrefix}:streams:{${user}}`;
  }
}
