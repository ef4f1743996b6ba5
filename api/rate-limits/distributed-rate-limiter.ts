/**
 * Limits the points that a key (a user, an address) may use in a window, over all processes. No request waits for Redis:
 * points are consumed locally and flushed in sums, and Redis answers with the total of all processes. Until then a process
 * only counts its own, so that N processes together can exceed the limit by what each consumes within a second, at most 5% of
 * the limit each. While Redis is unavailable each process limits on its own.
 */

import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { type ErrorCode, FieldError } from '../../shared/errors.ts';
import { createSparseCache } from '../../shared/process/sparse-cache.ts';

const flushIntervalMs = 1000;
/** The part of the limit from which on pending points are flushed at once. */
const maxPendingRatio = 0.05;
const maxKeys = 100_000;

interface DistributedRateLimiterOptions {
  /** Appears in the `RateLimit` headers and in the Redis keys. */
  readonly name: string;
  /** What a key is, for the detail of refusals. */
  readonly holder: 'user' | 'network address';
  /** Points per window; 0 for no limit. */
  readonly limit: number;
  readonly windowSeconds: number;
  readonly redis: Redis;
  readonly keyPrefix: string;
  /** The code of the error above the limit; `rate_limited` unless given. */
  readonly code?: ErrorCode;
}

/** Points of one key. */
interface Usage {
  /** The total of all processes at the last flush. */
  confirmed: number;
  /** Being flushed to Redis. */
  inFlight: number;
  /** Not flushed yet. */
  pending: number;
  /** In ms, of the monotonic clock. */
  windowEndsAt: number;
}

/** For the `RateLimit` headers. */
export interface RateLimitStatus {
  readonly name: string;
  readonly limit: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  /** Seconds until the window ends. */
  readonly resetSeconds: number;
}

export class DistributedRateLimiter {
  readonly #options: DistributedRateLimiterOptions;
  readonly #limiter: RateLimiterRedis;
  readonly #usages = createSparseCache<string, Usage>({ maxEntries: maxKeys });
  readonly #pendingKeys = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DistributedRateLimiterOptions) {
    this.#options = options;
    const { name, holder, limit: points, windowSeconds: duration, redis, keyPrefix } = options;
    const limits = {
      keyPrefix: holder === 'user' ? `${keyPrefix}:${name}` : `${keyPrefix}:address-${name}`,
      points,
      duration,
    };
    const insuranceLimiter = new RateLimiterMemory(limits);
    this.#limiter = new RateLimiterRedis({ ...limits, storeClient: redis, insuranceLimiter });
  }

  /** @throws FieldError `rate_limited` when fewer points are left; then none are consumed */
  consume(key: string, points: number): void {
    const { limit } = this.#options;
    if (limit === 0 || points === 0) return;
    this.assertRemaining(key, points);
    const usage = this.#findUsage(key);
    const isFirst = sumUsage(usage) === 0;
    usage.pending += points;
    if (isFirst || usage.pending > limit * maxPendingRatio) void this.#flush(key, usage);
    else this.#scheduleFlush(key);
  }

  /** Consumes the points, or those that are left. */
  consumeUpTo(key: string, points: number): void {
    const { limit } = this.#options;
    if (limit === 0) return;
    this.consume(key, Math.min(points, Math.max(0, limit - sumUsage(this.#findUsage(key)))));
  }

  /** @throws FieldError `rate_limited` when fewer points are left */
  assertRemaining(key: string, points: number): void {
    const { limit } = this.#options;
    if (limit === 0) return;
    const usage = this.#findUsage(key);
    if (sumUsage(usage) + points > limit) throw this.#createError(usage);
  }

  statusOf(key: string): RateLimitStatus | undefined {
    const { name, limit, windowSeconds } = this.#options;
    if (limit === 0) return undefined;
    const usage = this.#findUsage(key);
    const remaining = Math.max(0, limit - sumUsage(usage));
    return { name, limit, windowSeconds, remaining, resetSeconds: secondsUntil(usage.windowEndsAt) };
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #findUsage(key: string): Usage {
    const known = this.#usages.get(key);
    const now = performance.now();
    if (known && now < known.windowEndsAt) return known;
    const fresh = { confirmed: 0, inFlight: 0, pending: 0, windowEndsAt: now + this.#options.windowSeconds * 1000 };
    this.#usages.set(key, fresh);
    return fresh;
  }

  #createError({ windowEndsAt }: Usage): FieldError {
    const { name, limit, windowSeconds, holder } = this.#options;
    return new FieldError(this.#options.code ?? 'rate_limited', {
      detail: `The limit is ${limit} points for ${name} of a ${holder} in ${windowSeconds} s`,
      retryAfterSeconds: secondsUntil(windowEndsAt),
    });
  }

  #scheduleFlush(key: string): void {
    this.#pendingKeys.add(key);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const keys = [...this.#pendingKeys];
      this.#pendingKeys.clear();
      for (const pendingKey of keys) {
        const usage = this.#usages.peek(pendingKey);
        if (usage) void this.#flush(pendingKey, usage);
      }
    }, flushIntervalMs);
  }

  async #flush(key: string, usage: Usage): Promise<void> {
    if (usage.pending === 0) return;
    if (usage.inFlight > 0) return this.#scheduleFlush(key);
    usage.inFlight = usage.pending;
    usage.pending = 0;
    try {
      applyResult(usage, await this.#limiter.consume(key, usage.inFlight));
    } catch (result) {
      // Above the limit the library rejects with its result; on a Redis error the insurance limiter answers instead.
      if (result instanceof RateLimiterRes) applyResult(usage, result);
      else usage.confirmed += usage.inFlight;
    }
    usage.inFlight = 0;
  }
}

function applyResult(usage: Usage, { consumedPoints, msBeforeNext }: RateLimiterRes): void {
  usage.confirmed = consumedPoints;
  usage.windowEndsAt = performance.now() + msBeforeNext;
}

function sumUsage({ confirmed, inFlight, pending }: Usage): number {
  return confirmed + inFlight + pending;
}

function secondsUntil(time: number): number {
  return Math.max(1, Math.ceil((time - performance.now()) / 1000));
}
