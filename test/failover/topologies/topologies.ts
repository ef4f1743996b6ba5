/** All topologies by name, and how they are combined: a stack needs a Redis and a PostgreSQL, and tests the failover of both. */
import { findExecutable } from '../../../dev/processes/find-executable.ts';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import type { NodeDeps } from '../nodes/node-deps.ts';
import { RedisNode } from '../nodes/redis-node.ts';
import { patroniCommands, startPatroni } from './patroni.ts';
import { startPostgresPair } from './postgres-pair.ts';
import { startRedisCluster } from './redis-cluster.ts';
import { startRedisSentinel } from './redis-sentinel.ts';
import type { PostgresTopology, RedisTopology } from './topology.ts';

type Starter<Topology> = (deps: NodeDeps) => Promise<Topology>;

export const redisTopologies: Readonly<Record<string, Starter<RedisTopology>>> = {
  'redis-cluster': startRedisCluster,
  'redis-sentinel': startRedisSentinel,
};

export const postgresTopologies: Readonly<Record<string, Starter<PostgresTopology>>> = {
  'postgres-sync': (deps) => startPostgresPair(deps, 'synchronous'),
  'postgres-async': (deps) => startPostgresPair(deps, 'asynchronous'),
  patroni: startPatroni,
};

export const topologyNames: readonly string[] = [...Object.keys(redisTopologies), ...Object.keys(postgresTopologies)];

export interface Combination {
  /** Undefined: a single server, which has no faults. */
  readonly redis: string | undefined;
  readonly postgres: string | undefined;
}

/** Each topology is in one of them. */
export const combinations: readonly Combination[] = [
  { redis: 'redis-cluster', postgres: 'postgres-sync' },
  { redis: 'redis-sentinel', postgres: 'postgres-async' },
  { redis: undefined, postgres: 'patroni' },
];

/** Why a topology cannot be started on this machine, or undefined. */
export function describeMissing(name: string | undefined): string | undefined {
  const missing = name === 'patroni' ? patroniCommands.filter((command) => !findExecutable(command)) : [];
  return missing.length > 0 ? `${missing.join(', ')} not installed` : undefined;
}

/** A Redis without another one. */
export async function startSingleRedis(deps: NodeDeps): Promise<RedisTopology> {
  const node = new RedisNode({ ...deps, name: 'redis', port: await findFreePort(), settings: {} });
  await node.start();
  return { queueUrl: node.url(0), cacheUrl: node.url(1), faults: {} };
}
