/**
 * Exponential backoff after wrong passwords, for each pair of address and operator: guessing soon takes hours a guess, while
 * other operators at the address, and this one at others, can log in. Kept by each process for itself.
 */

import { FieldError } from '../../shared/errors.ts';
import { createSparseCache } from '../../shared/process/sparse-cache.ts';

const freeFailures = 5;
const initialDelaySeconds = 1;
const maxDelaySeconds = 900;
const maxPairs = 50_000;
/** Longer than the longest delay, so that waiting for it does not start over. */
const forgetAfterMs = 4 * maxDelaySeconds * 1000;

interface Failures {
  readonly count: number;
  /** In ms, of the monotonic clock. */
  readonly retryAt: number;
}

export class LoginBackoff {
  readonly #failures = createSparseCache<string, Failures>({ maxEntries: maxPairs, ttl: forgetAfterMs });

  /**
   * Counts an attempt as a failure until `succeed` is called, so that attempts at the same time count as well.
   * @throws FieldError `rate_limited` while the pair has to wait; then the password must not be checked
   */
  begin(pair: string): void {
    const now = performance.now();
    const { count, retryAt } = this.#failures.get(pair) ?? { count: 0, retryAt: Number.NEGATIVE_INFINITY };
    if (now < retryAt) {
      throw new FieldError('rate_limited', {
        detail: 'There were too many wrong passwords for this operator from this address',
        retryAfterSeconds: Math.ceil((retryAt - now) / 1000),
      });
    }
    const doublings = count + 1 - freeFailures;
    const delaySeconds = doublings < 0 ? 0 : Math.min(maxDelaySeconds, initialDelaySeconds * 2 ** doublings);
    this.#failures.set(pair, { count: count + 1, retryAt: now + delaySeconds * 1000 });
  }

  succeed(pair: string): void {
    this.#failures.delete(pair);
  }
}
