/**
 * Connections to Redis, each with the options of its role and a listener for its errors.
 * Connections of requests fail fast; those of workers wait until Redis is available again.
 */
import type { ConnectionOptions } from 'bullmq';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '../process/logger.ts';
import { patchClusterDisconnect } from './ioredis-cluster-patch.ts';

const commandTimeoutMs = 2000;

const retryStrategy = (attempt: number) => Math.min(50 * attempt, 1000);

/** For commands that a request waits for: they are not queued while Redis is unavailable, and time out after 2 s. */
export const failFast = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout: commandTimeoutMs,
  connectTimeout: commandTimeoutMs,
  socketTimeout: 2 * commandTimeoutMs,
  retryStrategy,
} satisfies RedisOptions;

/**
 * For BullMQ workers, whose blocking commands must not time out. They block for at most 10 s, so a socket without a reply
 * for longer than `socketTimeout` is dead and is reopened.
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

/**
 * Connects to one server; with `?cluster=true` to the cluster that it belongs to, and with `?sentinel=NAME` to the master of this
 * name, according to the server, a Sentinel. `&node=HOST:PORT` adds further servers.
 */
function open(url: string, options: RedisOptions): Redis {
  const address = new URL(url);
  if (isSentinel(address)) return new Redis({ ...toSentinelOptions(address), ...options });
  return isCluster(address) ? openCluster(address, options) : new Redis(url, options);
}

const isCluster = ({ searchParams }: URL) => searchParams.get('cluster') === 'true';
const isSentinel = ({ searchParams }: URL) => searchParams.has('sentinel');

function openCluster(address: URL, options: RedisOptions): Redis {
  const { retryStrategy: clusterRetryStrategy, enableOfflineQueue, lazyConnect, ...rest } = options;
  const cluster = new Cluster(listNodes(address, 6379), {
    clusterRetryStrategy,
    enableOfflineQueue,
    lazyConnect,
    // Nodes announce IP addresses, which need no DNS lookup.
    dnsLookup: (host, callback) => callback(null, host),
    redisOptions: { ...rest, ...readCredentials(address) },
  });
  // Both classes implement the commands that are used here.
  return patchClusterDisconnect(cluster) as unknown as Redis;
}

function toSentinelOptions(address: URL): RedisOptions {
  const { searchParams, pathname } = address;
  const sentinelPassword = searchParams.get('sentinel-password');
  return {
    name: searchParams.get('sentinel') ?? '',
    sentinels: listNodes(address, 26_379),
    sentinelRetryStrategy: retryStrategy,
    sentinelCommandTimeout: commandTimeoutMs,
    db: Number(pathname.slice(1)),
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
    ...readCredentials(address),
  };
}

function listNodes({ hostname, port, searchParams }: URL, defaultPort: number) {
  const others = searchParams.getAll('node').map((node) => new URL(`redis://${node}`));
  return [{ hostname, port }, ...others].map(({ hostname: host, port }) => ({
    host,
    port: Number(port || defaultPort),
  }));
}

function readCredentials({ username, password, protocol }: URL): Pick<RedisOptions, 'username' | 'password' | 'tls'> {
  return {
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

/** The servers that store keys: the one of the connection, or the masters of a cluster. */
export function listServers(redis: Redis): readonly Redis[] {
  return redis.isCluster ? (redis as unknown as Cluster).nodes('master') : [redis];
}

/** The connection for BullMQ's workers: options from which they open their own connections, or an instance for a cluster. */
export function openWorkerConnection(url: string, log: Logger): { connection: ConnectionOptions; close: () => void } {
  const address = new URL(url);
  if (!isCluster(address)) {
    const server = isSentinel(address) ? toSentinelOptions(address) : { url };
    return { connection: { ...server, ...blockingOptions }, close: () => undefined };
  }
  const cluster = connectRedis(url, 'worker', log, blockingOptions);
  return { connection: cluster, close: () => cluster.disconnect() };
}

/** Logs the loss and the return of a connection once each, regardless of the attempts in between. */
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

/** Reads settings by name. RESP2 returns a flat list, RESP3 a map. @throws if the user may not read them */
export async function readRedisSettings(redis: Redis, names: readonly string[]): Promise<Record<string, string>> {
  // One command each: Redis 6.2 accepts only one name.
  const values = await Promise.all(names.map((name) => readRedisSetting(redis, name)));
  return Object.fromEntries(
    names.flatMap((name, index) => (values[index] === undefined ? [] : [[name, values[index]]])),
  );
}

async function readRedisSetting(redis: Redis, name: string): Promise<string | undefined> {
  const reply: unknown = await redis.config('GET', name);
  const value = Array.isArray(reply) ? reply[1] : (reply as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}
