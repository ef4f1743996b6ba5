/** The rate limits of users and addresses, from the settings `LIMIT_…`. */
import type { Redis } from 'ioredis';
import type { Config } from '../../shared/config/config.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { secondsPerDay } from '../../shared/time-units.ts';
import { CallerLimiter } from './caller-limiter.ts';
import { ConcurrentStreamLimiter } from './concurrent-stream-limiter.ts';
import { DistributedRateLimiter } from './distributed-rate-limiter.ts';

export interface RateLimits {
  /** Per user, and per address with a multiple of the user's limit. */
  readonly updates: CallerLimiter;
  readonly reads: CallerLimiter;
  readonly newStreams: CallerLimiter;
  readonly streams: ConcurrentStreamLimiter;
  readonly newFields: CallerLimiter;
  readonly newDevices: CallerLimiter;
  /** Per address. */
  readonly failedLogins: DistributedRateLimiter;
  readonly registrations: DistributedRateLimiter;
  close(): void;
}

export function createRateLimits(config: Config, redis: Redis, keyPrefix: string): RateLimits {
  const windowSeconds = config.LIMIT_WINDOW_SECONDS;
  const createLimiter = (holder: 'user' | 'network address', name: string, limit: number, daily?: ErrorCode) =>
    new DistributedRateLimiter({
      ...{ name, holder, limit, redis, keyPrefix },
      ...(daily ? { windowSeconds: secondsPerDay, code: daily } : { windowSeconds }),
    });
  const ofAddress = (limit: number) => Math.ceil(limit * config.LIMIT_ADDRESS_FACTOR);
  const createCallerLimiter = (name: string, limit: number, daily?: ErrorCode) =>
    new CallerLimiter({
      users: createLimiter('user', name, limit, daily),
      addresses: createLimiter('network address', name, ofAddress(limit), daily),
    });
  const limiters = {
    updates: createCallerLimiter('updates', config.LIMIT_UPDATES),
    reads: createCallerLimiter('reads', config.LIMIT_READS),
    newStreams: createCallerLimiter('new-streams', config.LIMIT_NEW_STREAMS),
    newFields: createCallerLimiter('new-fields', config.LIMIT_NEW_FIELDS, 'too_many_fields'),
    newDevices: createCallerLimiter('new-devices', config.LIMIT_NEW_DEVICES, 'too_many_devices'),
    failedLogins: createLimiter('network address', 'failed-logins', config.LIMIT_FAILED_LOGINS),
    registrations: createLimiter('network address', 'registrations', config.LIMIT_REGISTRATIONS),
  };
  const limit = config.LIMIT_STREAMS;
  const streams = new ConcurrentStreamLimiter({ limit, addressLimit: ofAddress(limit), redis, keyPrefix });
  return {
    ...limiters,
    streams,
    close() {
      for (const limiter of Object.values(limiters)) limiter.close();
      streams.close();
    },
  };
}
