/**
 * Connections to Redis, each with the options of its role and a listener for its errors.
 * A connection that requests wait on fails fast; one that a worker lives on waits for Redis to come back.
 */
import type { ConnectionOptions } from 'bullmq';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '../process/logger.ts';
import { patchClusterDisconnect } from './ioredis-cluster-patch.ts';

const commandTimeoutMs = 2000;

const retryStrategy = (attempt: number) => Math.min(50 * attempt, 1000);

/** For whatever a request waits on: no queueing while Redis is away, no command longer than 2 s. */
export const failFast = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout: commandTimeoutMs,
  connectTimeout: commandTimeoutMs,
  socketTimeout: 2 * commandTimeoutMs,
  retryStrategy,
} satisfies RedisOptions;

/**
 * For BullMQ workers, whose blocking commands must never time out. They block for 10 s at most: a socket that owes an
 * answer for longer leads nowhere, and is opened anew.
 */
const blockingOptions = {
  maxRetriesPerRequest: null,
  connectTimeout: 5000,
  socketTimeout: 15_000,
  retryStrategy,
} satisfies RedisOptions;

export function connectRedis(url: string, role: string, log: Logger, options: RedisOptions = failFast): Redis {
  const redis = open(url, { ...options, connectionName: `field-${role}` });
  logConnection(redis, role, log);
  return redis;
}

/** One server; or, with `?cluster=true`, the cluster that it belongs to, of which it names the others. */
function open(url: string, options: RedisOptions): Redis {
  const { hostname, port, username, password, protocol, searchParams } = new URL(url);
  if (searchParams.get('cluster') !== 'true') return new Redis(url, options);
  const { retryStrategy: clusterRetryStrategy, enableOfflineQueue, lazyConnect, ...rest } = options;
  const cluster = new Cluster([{ host: hostname, port: Number(port || 6379) }], {
    clusterRetryStrategy,
    enableOfflineQueue,
    lazyConnect,
    // Its nodes tell each other's addresses, which need not be in anybody's DNS.
    dnsLookup: (address, callback) => callback(null, address),
    redisOptions: {
      ...rest,
      ...(username ? { username: decodeURIComponent(username) } : {}),
      ...(password ? { password: decodeURIComponent(password) } : {}),
      ...(protocol === 'rediss:' ? { tls: {} } : {}),
    },
  });
  // Both speak the same commands. What only one of them can do is not used.
  return patchClusterDisconnect(cluster) as unknown as Redis;
}

/** The servers behind a connection that hold keys: one, or the masters of a cluster. */
export function listServers(redis: Redis): readonly Redis[] {
  return redis.isCluster ? (redis as unknown as Cluster).nodes('master') : [redis];
}

/** What BullMQ's workers live on: it opens its own connections to one server, and is given those to a cluster. */
export function openWorkerConnection(url: string, log: Logger): { connection: ConnectionOptions; close: () => void } {
  if (new URL(url).searchParams.get('cluster') !== 'true') {
    return { connection: { url, ...blockingOptions }, close: () => undefined };
  }
  const cluster = connectRedis(url, 'worker', log, blockingOptions);
  return { connection: cluster, close: () => cluster.disconnect() };
}

/** Says once that a connection is lost and once that it is back, however often it is tried in between. */
function logConnection(redis: Redis, role: string, log: Logger): void {
  let isDown = false;
  redis.on('error', (error: Error) => {
    if (isDown) return;
    isDown = true;
    log.warn({ err: error, role }, 'redis connection lost');
  });
  redis.on('ready', () => {
    log[isDown ? 'info' : 'debug']({ role }, 'redis connection ready');
    isDown = false;
  });
}

/** Settings by their names; RESP2 answers with a flat list, RESP3 with a map. @throws when this user may not see them */
export async function readRedisSettings(redis: Redis, names: readonly string[]): Promise<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const name of names) {
    const reply: unknown = await redis.config('GET', name);
    const value = Array.isArray(reply) ? reply[1] : (reply as Record<string, unknown>)[name];
    if (typeof value === 'string') settings[name] = value;
  }
  return settings;
}
