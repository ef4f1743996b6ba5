/** Charges the same points to the user and to the address of a request, each with a limit of its own. */

import type { Caller } from './caller.ts';
import type { DistributedRateLimiter, RateLimitStatus } from './distributed-rate-limiter.ts';

interface CallerLimiterDeps {
  readonly users: DistributedRateLimiter;
  readonly addresses: DistributedRateLimiter;
}

export class CallerLimiter {
  readonly #deps: CallerLimiterDeps;

  constructor(deps: CallerLimiterDeps) {
    this.#deps = deps;
  }

  /** @throws FieldError `rate_limited` when the user or the address has fewer points left; then none are consumed */
  consume({ user, address }: Caller, points: number): void {
    const { users, addresses } = this.#deps;
    addresses.assertRemaining(address, points);
    users.consume(user, points);
    addresses.consume(address, points);
  }

  /** Consumes the points, or those that are left. */
  consumeUpTo({ user, address }: Caller, points: number): void {
    this.#deps.users.consumeUpTo(user, points);
    this.#deps.addresses.consumeUpTo(address, points);
  }

  /** The status of the user. That of the address would reveal what others at the same address have used. */
  statusOf(user: string): RateLimitStatus | undefined {
    return this.#deps.users.statusOf(user);
  }

  close(): void {
    this.#deps.users.close();
    this.#deps.addresses.close();
  }
}
