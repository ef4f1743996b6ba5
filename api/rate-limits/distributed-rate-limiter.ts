/**
 * What one key (a user, an address) may spend in a window, over all processes together. Nobody waits for Redis: points are
 * taken here and now, and told to Redis in sums, which answers with what all have spent. Until then a process knows only of
 * its own, so that N processes may overdraw by what each takes within a second, and by a twentieth of the budget each at most.
 *
 * While Redis is away each process counts for itself.
 */
import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { FieldError } from '../../shared/errors.ts';

const tellEveryMs = 1000;
/** Of the budget: what is taken beyond it is told at once. */
const untoldShare = 0.05;
const maxKeys = 100_000;

interface BudgetOptions {
  /** Stands in the headers, and in the keys. */
  readonly name: string;
  /** Points a window; 0 for no limit. */
  readonly limit: number;
  readonly windowSeconds: number;
  readonly redis: Redis;
  readonly keyPrefix: string;
}

interface Spending {
  /** By all, as Redis last said. */
  spent: number;
  /** On its way to Redis. */
  told: number;
  untold: number;
  endsAt: number;
}

/** How a key stands. */
export interface Standing {
  readonly name: string;
  readonly limit: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  /** Until the window ends. */
  readonly resetSeconds: number;
}

export class SharedBudget {
  readonly #options: BudgetOptions;
  readonly #limiter: RateLimiterRedis;
  readonly #spendings = new LRUCache<string, Spending>({ max: maxKeys });
  readonly #untold = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BudgetOptions) {
    this.#options = options;
    const { name, limit: points, windowSeconds: duration, redis, keyPrefix } = options;
    const limits = { keyPrefix: `${keyPrefix}:${name}`, points, duration };
    const insuranceLimiter = new RateLimiterMemory(limits);
    this.#limiter = new RateLimiterRedis({ ...limits, storeClient: redis, insuranceLimiter });
  }

  /** @throws FieldError `rate_limited` when it is more than is left */
  take(key: string, points: number): void {
    const { limit } = this.#options;
    if (limit === 0 || points === 0) return;
    const spending = this.#find(key);
    if (sumOf(spending) + points > limit) throw this.#refusal(spending);
    const isFirst = sumOf(spending) === 0;
    spending.untold += points;
    if (isFirst || spending.untold > limit * untoldShare) void this.#tell(key, spending);
    else this.#tellSoon(key);
  }

  /** For whoever must not even try: @throws FieldError `rate_limited` when nothing is left */
  checkLeft(key: string): void {
    if (this.#options.limit === 0) return;
    const spending = this.#find(key);
    if (sumOf(spending) >= this.#options.limit) throw this.#refusal(spending);
  }

  standingOf(key: string): Standing | undefined {
    const { name, limit, windowSeconds } = this.#options;
    if (limit === 0) return undefined;
    const spending = this.#find(key);
    const remaining = Math.max(0, limit - sumOf(spending));
    return { name, limit, windowSeconds, remaining, resetSeconds: secondsUntil(spending.endsAt) };
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #find(key: string): Spending {
    const known = this.#spendings.get(key);
    const now = Date.now();
    if (known && now < known.endsAt) return known;
    const fresh = { spent: 0, told: 0, untold: 0, endsAt: now + this.#options.windowSeconds * 1000 };
    this.#spendings.set(key, fresh);
    return fresh;
  }

  #refusal({ endsAt }: Spending): FieldError {
    const { name, limit, windowSeconds } = this.#options;
    return new FieldError('rate_limited', {
      detail: `${limit} points for ${name} in ${windowSeconds} s`,
      retryAfterSeconds: secondsUntil(endsAt),
    });
  }

  #tellSoon(key: string): void {
    this.#untold.add(key);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const keys = [...this.#untold];
      this.#untold.clear();
      for (const one of keys) {
        const spending = this.#spendings.peek(one);
        if (spending) void this.#tell(one, spending);
      }
    }, tellEveryMs);
  }

  async #tell(key: string, spending: Spending): Promise<void> {
    if (spending.untold === 0) return;
    if (spending.told > 0) return this.#tellSoon(key);
    spending.told = spending.untold;
    spending.untold = 0;
    try {
      noteAnswer(spending, await this.#limiter.consume(key, spending.told));
    } catch (answer) {
      // More than there is: that is an answer as well. Anything else the insurance has caught.
      if (answer instanceof RateLimiterRes) noteAnswer(spending, answer);
      else spending.spent += spending.told;
    }
    spending.told = 0;
  }
}

function noteAnswer(spending: Spending, { consumedPoints, msBeforeNext }: RateLimiterRes): void {
  spending.spent = consumedPoints;
  spending.endsAt = Date.now() + msBeforeNext;
}

function sumOf({ spent, told, untold }: Spending): number {
  return spent + told + untold;
}

function secondsUntil(time: number): number {
  return Math.max(1, Math.ceil((time - Date.now()) / 1000));
}
