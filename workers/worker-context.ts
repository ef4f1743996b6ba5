/** The collaborators that the parts of a worker share. */
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import type { CacheKeys } from '../shared/cache/cache-keys.ts';
import type { FieldCache } from '../shared/cache/field-cache.ts';
import type { WorkerConfig } from '../shared/config/config.ts';
import type { Lifecycle } from '../shared/process/lifecycle.ts';
import type { Logger } from '../shared/process/logger.ts';

export interface WorkerDeps {
  readonly config: WorkerConfig;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  readonly db: Knex;
  /** A fail-fast connection to the cache. */
  readonly redis: Redis;
  readonly keys: CacheKeys;
}

export type MaintenanceDeps = Pick<WorkerDeps, 'config' | 'log' | 'db'> & { readonly cache: FieldCache };
