/** What leasing needs of the servers: a session with PostgreSQL, a check that commits can succeed, and the report to the queue. */
import { once } from 'node:events';
import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { checkWritable } from '../../db/leases/check-writable.ts';
import { leaseClass } from '../../db/leases/lease-keys.ts';
import { LeaseSession, type LeaseSessionEvents } from '../../db/leases/lease-session.ts';
import { PartitionCounter } from '../../shared/queue/partition-counts.ts';

const writableTimeoutMs = 3000;
const redisStartTimeoutMs = 1000;
/** PostgreSQL truncates longer names. */
const maxApplicationNameLength = 63;

/** Holds the leases of one worker until it ends. */
export type OpenLeaseSession = Pick<
  LeaseSession,
  'id' | 'isOpen' | 'readHolders' | 'acquire' | 'release' | 'close' | 'destroy'
>;

/** All but `connect` @throws if a server is unavailable. */
export interface LeaseServers {
  /** Resolves when the connections are open, or after a short time. */
  connect(): Promise<void>;
  /** Joins the set of running workers. */
  openSession(events: LeaseSessionEvents): Promise<OpenLeaseSession>;
  /** @throws if a commit could not succeed */
  checkWritable(): Promise<void>;
  /** Reports the number of running workers to the queue. @returns the number of partitions that may contain jobs */
  reportWorkers: PartitionCounter['report'];
}

interface LeaseServersDeps {
  /** `DATABASE_DIRECT_URL`: PostgreSQL without a pooler. */
  readonly databaseUrl: string;
  /** The pool that commits use. */
  readonly db: Knex;
  /** The queue's Redis, through a connection that fails fast. */
  readonly redis: Redis;
  /** `QUEUE_PREFIX`. */
  readonly prefix: string;
}

export function createLeaseServers({ databaseUrl, db, redis, prefix }: LeaseServersDeps): LeaseServers {
  const counter = new PartitionCounter(redis, prefix);
  return {
    connect: async () => {
      const signal = AbortSignal.timeout(redisStartTimeoutMs);
      if (redis.status !== 'ready') await once(redis, 'ready', { signal }).catch(() => undefined);
    },
    openSession: (events) =>
      LeaseSession.open({
        url: databaseUrl,
        leaseClassId: leaseClass(prefix),
        applicationName: `field-lease ${process.pid}@${hostname()}`.slice(0, maxApplicationNameLength),
        ...events,
      }),
    checkWritable: () => checkWritable(db, writableTimeoutMs),
    reportWorkers: (workers, mayLower) => counter.report(workers, mayLower),
  };
}
