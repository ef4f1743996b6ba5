/** What a user, or an address, may do: the budgets by their settings. */
import type { Redis } from 'ioredis';
import type { Config } from '../../shared/config/config.ts';
import { StreamCounts } from './concurrent-stream-limiter.ts';
import { SharedBudget } from './distributed-rate-limiter.ts';

export interface Limits {
  /** Of users. */
  readonly updates: SharedBudget;
  readonly reads: SharedBudget;
  readonly newStreams: SharedBudget;
  readonly streams: StreamCounts;
  /** Of addresses. */
  readonly failedLogins: SharedBudget;
  readonly registrations: SharedBudget;
  close(): void;
}

export function createLimits(config: Config, redis: Redis, keyPrefix: string): Limits {
  const budget = (name: string, limit: number) =>
    new SharedBudget({ name, limit, windowSeconds: config.LIMIT_WINDOW_SECONDS, redis, keyPrefix });
  const budgets = {
    updates: budget('updates', config.LIMIT_UPDATES),
    reads: budget('reads', config.LIMIT_READS),
    newStreams: budget('new-streams', config.LIMIT_NEW_STREAMS),
    failedLogins: budget('failed-logins', config.LIMIT_FAILED_LOGINS),
    registrations: budget('registrations', config.LIMIT_REGISTRATIONS),
  };
  const streams = new StreamCounts({ limit: config.LIMIT_STREAMS, redis, keyPrefix });
  return {
    ...budgets,
    streams,
    close() {
      for (const one of Object.values(budgets)) one.close();
      streams.close();
    },
  };
}
