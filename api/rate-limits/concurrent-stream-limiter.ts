/**
 * How many streams each user holds open, over all processes: each tells its own number, which is forgotten when the process
 * is not heard from for a minute. While Redis is away each process counts for itself.
 */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { FieldError } from '../../shared/errors.ts';

const tellEveryMs = 200;
const repeatEveryMs = 20_000;
const forgetAfterMs = 60_000;
const retryAfterSeconds = 5;

interface StreamCountsOptions {
  /** Streams of a user; 0 for no limit. */
  readonly limit: number;
  readonly redis: Redis;
  readonly keyPrefix: string;
}

export class StreamCounts {
  readonly #options: StreamCountsOptions;
  readonly #process = randomUUID();
  readonly #open = new Map<string, number>();
  /** Those that were let in with this turn of the event loop, and have not been added yet. */
  readonly #opening = new Map<string, number>();
  readonly #untold = new Set<string>();
  readonly #timers: readonly NodeJS.Timeout[];

  constructor(options: StreamCountsOptions) {
    this.#options = options;
    const tellAll = () => {
      for (const user of this.#open.keys()) this.#untold.add(user);
    };
    this.#timers = [setInterval(() => this.#tell(), tellEveryMs), setInterval(tellAll, repeatEveryMs)];
  }

  add(user: string): void {
    const opening = this.#opening.get(user) ?? 0;
    if (opening > 0) this.#opening.set(user, opening - 1);
    this.#open.set(user, (this.#open.get(user) ?? 0) + 1);
    this.#untold.add(user);
  }

  remove(user: string): void {
    const left = (this.#open.get(user) ?? 0) - 1;
    if (left > 0) this.#open.set(user, left);
    else this.#open.delete(user);
    this.#untold.add(user);
  }

  /** Whether one more may be opened, at once: then `add` it without waiting for anything. @throws FieldError `rate_limited` */
  async check(user: string): Promise<void> {
    const { limit } = this.#options;
    if (limit === 0) return;
    const elsewhere = await this.#countElsewhere(user);
    // Many that knock at once hear of the others in the same turn, before the first of them is added.
    const opening = this.#opening.get(user) ?? 0;
    if (elsewhere + (this.#open.get(user) ?? 0) + opening < limit) {
      if (opening === 0) setImmediate(() => this.#opening.delete(user));
      this.#opening.set(user, opening + 1);
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
        .filter(([process]) => process !== this.#process)
        .map(([, text]) => text.split(' ').map(Number))
        .reduce((sum, [count = 0, until = 0]) => (until > now ? sum + count : sum), 0);
    } catch {
      return 0; // Said by the connection's own listener.
    }
  }

  #tell(): void {
    if (this.#untold.size === 0 || this.#options.limit === 0) return;
    const until = Date.now() + forgetAfterMs;
    for (const user of this.#untold) {
      const key = this.#keyOf(user);
      const count = this.#open.get(user);
      // One pipeline a key: those of several may be on several nodes of a cluster.
      const pipeline = this.#options.redis.pipeline();
      if (count === undefined) pipeline.hdel(key, this.#process);
      else pipeline.hset(key, this.#process, `${count} ${until}`).pexpire(key, forgetAfterMs);
      // What is lost is told again soon.
      void pipeline.exec().catch(() => undefined);
    }
    this.#untold.clear();
  }

  #keyOf(user: string): string {
    return `${this.#options.keyPrefix}:streams:{${user}}`;
  }
}
