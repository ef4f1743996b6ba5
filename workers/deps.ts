/** What the parts of a worker are given. */
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import type { Config } from '../shared/config.ts';
import type { CacheNames, FieldCache } from '../shared/field-cache.ts';
import type { Lifecycle } from '../shared/lifecycle.ts';
import type { Logger } from '../shared/log.ts';

export interface WorkerDeps {
  readonly config: Config;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  readonly db: Knex;
  /** A fail-fast connection to the cache. */
  readonly redis: Redis;
  readonly names: CacheNames;
}

export type UpkeepDeps = Pick<WorkerDeps, 'config' | 'log' | 'db'> & { readonly cache: FieldCache };
