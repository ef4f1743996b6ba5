/** What all simulated processes share: time, randomness, the servers, and the variants of their collaborators. */

import { matchesEtag } from '../../../api/http/etag.ts';
import { createMetrics } from '../../../api/metrics.ts';
import type { FieldStore } from '../../../db/field-store.ts';
import type { FieldReader } from '../../../db/read/field-reader.ts';
import type { FieldCache } from '../../../shared/cache/field-cache.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createWorkerMetrics } from '../../../workers/observe/metrics.ts';
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { VirtualTime } from '../kernel/virtual-time.ts';
import type { LeaseHost } from '../models/leases/lease-server.ts';
import { Link, type LinkFailure } from '../models/link.ts';
import type { PostgresServer } from '../models/postgres/postgres-server.ts';
import type { JobQueue } from '../models/queue/job-queue.ts';
import type { RedisServer } from '../models/redis/redis-server.ts';
import { type DecideOnCopy, decideByCursor } from '../models/redis/scripts.ts';

/** The collaborators that a planted fault replaces by broken ones. */
export interface Variants {
  readonly store: (store: FieldStore, postgres: PostgresServer) => FieldStore;
  readonly reader: (reader: FieldReader, cache: FieldCache) => FieldReader;
  readonly decideOnCopy: DecideOnCopy;
  readonly matchesEtag: typeof matchesEtag;
  readonly republishes: boolean;
  /** Whether an append compares how far tombstones are purged. */
  readonly comparesPurges: boolean;
  /** Retention cuts by this clock. */
  readonly retentionClock: (postgres: PostgresServer) => number;
  /** Whether an append compares its log time with PostgreSQL's clock. */
  readonly boundsLogTime: boolean;
  /** What a device gets of a response or of a message of the stream. */
  readonly textFor: (device: string, text: string) => string;
  /** How a worker holds its leases. */
  readonly leasing: (
    environment: Environment,
    worker: { readonly links: ServerLinks; readonly process: SimProcess },
  ) => Leasing;
}

interface Leasing {
  readonly host: LeaseHost;
  /** The way to the host. */
  readonly link: Link;
  /** @throws if a commit could not succeed */
  readonly checkWritable: () => Promise<void>;
}

const writableTimeoutMs = 3000;

export const correctVariants: Variants = {
  store: (store) => store,
  reader: (reader) => reader,
  decideOnCopy: decideByCursor,
  matchesEtag,
  republishes: true,
  comparesPurges: true,
  retentionClock: (postgres) => postgres.now(),
  boundsLogTime: true,
  textFor: (_device, text) => text,
  leasing: ({ postgres }, { links }) => ({
    host: postgres.leases,
    link: links.postgres,
    checkWritable: () => links.postgres.request(() => undefined, writableTimeoutMs),
  }),
};

export interface Environment {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly postgres: PostgresServer;
  readonly cacheRedis: RedisServer;
  readonly queue: JobQueue;
  /** The queue in PostgreSQL, for the time that the other one is unavailable. */
  readonly fallbackQueue: JobQueue;
  readonly variants: Variants;
}

/** Created once: neither has a clock or a timer. */
export const silentLog = createLogger({ name: 'simulation', level: 'silent' });
export const apiMetrics = createMetrics();
export const workerMetrics = createWorkerMetrics();

/** The connections of one process; they outlive restarts of it. */
export interface ServerLinks {
  readonly postgres: Link;
  readonly cache: Link;
  readonly queue: Link;
}

export type ServerName = keyof ServerLinks;
export const serverNames: readonly ServerName[] = ['postgres', 'cache', 'queue'];

export function createLinks({ time, random, postgres, cacheRedis, queue }: Environment): ServerLinks {
  const redisOptions = { timeoutMs: 2000, isOrdered: true, createError: createRedisError };
  return {
    postgres: new Link(
      { time, random, server: postgres },
      { timeoutMs: 7000, isOrdered: false, createError: createPostgresError },
    ),
    cache: new Link({ time, random, server: cacheRedis }, redisOptions),
    queue: new Link({ time, random, server: queue }, { ...redisOptions, timeoutMs: 800 }),
  };
}

function createPostgresError(failure: LinkFailure): Error {
  if (failure === 'timeout') return new Error('Query read timeout');
  if (failure === 'reset') return new Error('Connection terminated unexpectedly');
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}

function createRedisError(failure: LinkFailure): Error {
  return new Error(failure === 'timeout' ? 'Command timed out' : 'Connection is closed.');
}
