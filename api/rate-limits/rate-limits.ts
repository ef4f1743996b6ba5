/** The rate limits of users and addresses, from the settings `LIMIT_…`. */
import type { Redis } from 'ioredis';
import type { Config } from '../../shared/config/config.ts';
import { ConcurrentStreamLimiter } from './concurrent-stream-limiter.ts';
import { DistributedRateLimiter } from './distributed-rate-limiter.ts';

export interface RateLimits {
  /** By user. */
  readonly updates: DistributedRateLimiter;
  readonly reads: DistributedRateLimiter;
  readonly newStreams: DistributedRateLimiter;
  readonly streams: ConcurrentStreamLimiter;
  /** By IP address. */
  readonly failedLogins: DistributedRateLimiter;
  readonly registrations: DistributedRateLimiter;
  close(): void;
}

export function createRateLimits(config: Config, redis: Redis, keyPrefix: string): RateLimits {
  const createLimiter = (name: string, limit: number) =>
    new DistributedRateLimiter({ name, limit, windowSeconds: config.LIMIT_WINDOW_SECONDS, redis, keyPrefix });
  const limiters = {
    updates: createLimiter('updates', config.LIMIT_UPDATES),
    reads: createLimiter('reads', config.LIMIT_READS),
    newStreams: createLimiter('new-streams', config.LIMIT_NEW_STREAMS),
    failedLogins: createLimiter('failed-logins', config.LIMIT_FAILED_LOGINS),
    registrations: createLimiter('registrations', config.LIMIT_REGISTRATIONS),
  };
  const streams = new ConcurrentStreamLimiter({ limit: config.LIMIT_STREAMS, redis, keyPrefix });
  return {
    ...limiters,
    streams,
    close() {
      for (const limiter of Object.values(limiters)) limiter.close();
      streams.close();
    },
  };
}
