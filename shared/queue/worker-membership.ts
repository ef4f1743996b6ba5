/**
 * Membership of the worker group, in the queue's Redis and by its clock. A worker that has sent no heartbeat for
 * `heartbeatTimeoutMs` is removed, and its partitions are assigned to the others.
 */
import type { Redis } from 'ioredis';
import { maxPartitions, queuePrefix } from './partitions.ts';

export const heartbeatIntervalMs = 500;
const heartbeatTimeoutMs = 3000;

export interface Membership {
  /** The ids of the live workers, sorted. */
  readonly workers: readonly string[];
  /** The number of partitions that may contain jobs. It never falls. */
  readonly partitions: number;
}

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** KEYS: workers, partitions. ARGV: id, timeout in ms, highest number of partitions. Returns partitions, ids… */
const heartbeatScript = `${now}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
local workers = redis.call('ZRANGE', KEYS[1], 0, -1)
local wanted = math.min(#workers, tonumber(ARGV[3]))
local partitions = math.max(wanted, tonumber(redis.call('GET', KEYS[2]) or '1'))
redis.call('SET', KEYS[2], partitions)
return {partitions, unpack(workers)}`;

/** KEYS: workers, partitions. ARGV: timeout in ms. Returns partitions, number of workers */
const readScript = `${now}
return {tonumber(redis.call('GET', KEYS[2]) or '1'), redis.call('ZCOUNT', KEYS[1], now - ARGV[1], '+inf')}`;

interface ScriptedRedis extends Redis {
  workerHeartbeat(workers: string, partitions: string, ...args: (string | number)[]): Promise<[number, ...string[]]>;
  readWorkers(workers: string, partitions: string, timeoutMs: number): Promise<[number, number]>;
}

/** Every method @throws if Redis does not answer */
export class WorkerMembership {
  readonly #redis: ScriptedRedis;
  readonly #keys: readonly [workers: string, partitions: string];

  constructor(redis: Redis, prefix: string) {
    redis.defineCommand('workerHeartbeat', { numberOfKeys: 2, lua: heartbeatScript });
    redis.defineCommand('readWorkers', { numberOfKeys: 2, lua: readScript });
    this.#redis = redis as ScriptedRedis;
    this.#keys = [`${queuePrefix(prefix)}:workers`, `${queuePrefix(prefix)}:partitions`];
  }

  /** Registers a worker, or renews its membership. */
  async heartbeat(worker: string): Promise<Membership> {
    const [partitions, ...workers] = await this.#redis.workerHeartbeat(
      ...this.#keys,
      worker,
      heartbeatTimeoutMs,
      maxPartitions,
    );
    return { partitions, workers: workers.sort() };
  }

  /** Removes a worker that takes no more jobs. */
  async leave(worker: string): Promise<void> {
    await this.#redis.zrem(this.#keys[0], worker);
  }

  async read(): Promise<{ partitions: number; workers: number }> {
    const [partitions, workers] = await this.#redis.readWorkers(...this.#keys, heartbeatTimeoutMs);
    return { partitions, workers };
  }
}
