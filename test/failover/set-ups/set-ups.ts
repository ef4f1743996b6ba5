/** All set-ups by name, and how they are combined: a stack needs a Redis and a PostgreSQL, and tests the fail-over of both. */
import { findExecutable } from '../../../dev/processes/find-executable.ts';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import type { NodeDeps } from '../nodes/node-deps.ts';
import { RedisNode } from '../nodes/redis-node.ts';
import { patroniCommands, startPatroni } from './patroni.ts';
import { startPostgresPair } from './postgres-pair.ts';
import { startRedisCluster } from './redis-cluster.ts';
import { startRedisSentinel } from './redis-sentinel.ts';
import type { PostgresSetUp, RedisSetUp } from './set-up.ts';

type Starter<SetUp> = (deps: NodeDeps) => Promise<SetUp>;

export const redisSetUps: Readonly<Record<string, Starter<RedisSetUp>>> = {
  'redis-cluster': startRedisCluster,
  'redis-sentinel': startRedisSentinel,
};

export const postgresSetUps: Readonly<Record<string, Starter<PostgresSetUp>>> = {
  'postgres-sync': (deps) => startPostgresPair(deps, 'synchronous'),
  'postgres-async': (deps) => startPostgresPair(deps, 'asynchronous'),
  patroni: startPatroni,
};

export const setUpNames: readonly string[] = [...Object.keys(redisSetUps), ...Object.keys(postgresSetUps)];

export interface Combination {
  /** Undefined: a single server, which has no faults. */
  readonly redis: string | undefined;
  readonly postgres: string | undefined;
}

/** Each set-up is in one of them. */
export const combinations: readonly Combination[] = [
  { redis: 'redis-cluster', postgres: 'postgres-sync' },
  { redis: 'redis-sentinel', postgres: 'postgres-async' },
  { redis: undefined, postgres: 'patroni' },
];

/** Why a set-up cannot be started on this machine, or undefined. */
export function describeMissing(name: string | undefined): string | undefined {
  const missing = name === 'patroni' ? patroniCommands.filter((command) => !findExecutable(command)) : [];
  return missing.length > 0 ? `${missing.join(', ')} not installed` : undefined;
}

/** A Redis without another one. */
export async function startSingleRedis(deps: NodeDeps): Promise<RedisSetUp> {
  const node = new RedisNode({ ...deps, name: 'redis', port: await findFreePort(), settings: {} });
  await node.start();
  return { queueUrl: node.url(0), cacheUrl: node.url(1), faults: {} };
}
