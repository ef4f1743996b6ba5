/**
 * Connections to Redis, each with the options of its role and a listener for its errors.
 * A connection that requests wait on fails fast; one that a worker lives on waits for Redis to come back.
 */
import type { ConnectionOptions } from 'bullmq';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from './log.ts';

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
const patient = {
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
  return endWhenTold(cluster) as unknown as Redis;
}

/** What ioredis keeps to itself, and has to be reached for. */
interface ClusterInside {
  setStatus(status: string): void;
  handleCloseEvent(): void;
  refreshSlotsCache(callback?: (error?: Error) => void): void;
  clearNodesRefreshInterval(): void;
}

const closedStatuses: ReadonlySet<string> = new Set(['close', 'reconnecting', 'end']);

/**
 * Mends how ioredis 6 ends a connection to a cluster. Each of its nodes that goes is told as the last one, so that what had
 * ended, or was to connect again, only seems to close, without an end. And told to disconnect while it knows of no node,
 * between two attempts to connect or at the very start of one, it never says that it has ended. Whoever waits for an answer
 * of that cluster, or for its end, would wait for good: of BullMQ's workers, those that are told to stop.
 * Told so while it asks which node has which slots, as it does every 5 s, it goes on asking: no process would end by itself.
 * And whoever waits for it to connect waits for good when it is told to end after it has learnt the slots, or finds then that
 * the cluster is not whole yet and begins again.
 */
function endWhenTold(cluster: Cluster): Cluster {
  const inside = cluster as unknown as ClusterInside;
  const setStatus = inside.setStatus.bind(cluster);
  const connect = cluster.connect.bind(cluster);
  const disconnect = cluster.disconnect.bind(cluster);
  const duplicate = cluster.duplicate.bind(cluster);
  const refreshSlotsCache = inside.refreshSlotsCache.bind(cluster);
  inside.setStatus = (status) => {
    if (status !== 'close' || !closedStatuses.has(cluster.status)) setStatus(status);
  };
  cluster.connect = () =>
    new Promise<void>((resolve, reject) => {
      const settle = (settled: () => void) => {
        cluster.off('ready', onReady).off('close', onGone).off('end', onGone);
        settled();
      };
      const onReady = () => settle(resolve);
      const onGone = () => {
        // Events come a moment later: this may be that of the connection before.
        if (closedStatuses.has(cluster.status)) settle(() => reject(new Error('Connection is closed.')));
      };
      cluster.on('ready', onReady).on('close', onGone).on('end', onGone);
      connect().then(onReady, (error) => settle(() => reject(error)));
    });
  cluster.disconnect = (reconnect = false) => {
    const hasNodes = cluster.nodes().length > 0;
    disconnect(reconnect);
    if (!hasNodes && !reconnect) inside.handleCloseEvent();
  };
  inside.refreshSlotsCache = (callback) =>
    refreshSlotsCache((error) => {
      callback?.(error); // Which may set the time of the next one.
      if (cluster.status !== 'ready') inside.clearNodesRefreshInterval(); // Being ready sets it anew.
    });
  cluster.duplicate = ((...given: Parameters<typeof duplicate>) =>
    endWhenTold(duplicate(...given))) as typeof cluster.duplicate;
  return cluster;
}

/** The servers behind a connection that hold keys: one, or the masters of a cluster. */
export function serversOf(redis: Redis): readonly Redis[] {
  return redis.isCluster ? (redis as unknown as Cluster).nodes('master') : [redis];
}

/** What BullMQ's workers live on: it opens its own connections to one server, and is given those to a cluster. */
export function openWorkerConnection(url: string, log: Logger): { connection: ConnectionOptions; close: () => void } {
  if (new URL(url).searchParams.get('cluster') !== 'true') {
    return { connection: { url, ...patient }, close: () => undefined };
  }
  const cluster = connectRedis(url, 'worker', log, patient);
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
    const answer: unknown = await redis.config('GET', name);
    const value = Array.isArray(answer) ? answer[1] : (answer as Record<string, unknown>)[name];
    if (typeof value === 'string') settings[name] = value;
  }
  return settings;
}
