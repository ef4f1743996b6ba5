/**
 * The workers that are there, in the queue's Redis and by its clock. Each says every half second that it lives; who has
 * not done so for three seconds is taken for dead, and the others share what it had.
 */
import type { Redis } from 'ioredis';
import { maxPartitions, queuePrefix } from './partitions.ts';

export const heartbeatIntervalMs = 500;
const heartbeatTimeoutMs = 3000;

/** What they agree on. */
export interface Membership {
  /** Of the workers that live, in order. */
  readonly workers: readonly string[];
  /** How many queues may hold jobs: as many as there ever were in use. */
  readonly partitions: number;
}

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** KEYS: workers, partitions. ARGV: id, dead after, most partitions → partitions, ids… */
const heartbeatScript = `${now}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
local workers = redis.call('ZRANGE', KEYS[1], 0, -1)
local wanted = math.min(#workers, tonumber(ARGV[3]))
local partitions = math.max(wanted, tonumber(redis.call('GET', KEYS[2]) or '1'))
redis.call('SET', KEYS[2], partitions)
return {partitions, unpack(workers)}`;

/** KEYS: workers, partitions. ARGV: dead after → partitions, number of workers */
const readScript = `${now}
return {tonumber(redis.call('GET', KEYS[2]) or '1'), redis.call('ZCOUNT', KEYS[1], now - ARGV[1], '+inf')}`;

interface ScriptedRedis extends Redis {
  workerBeat(workers: string, partitions: string, ...args: (string | number)[]): Promise<[number, ...string[]]>;
  lookAtWorkers(workers: string, partitions: string, deadAfter: number): Promise<[number, number]>;
}

/** Every call @throws when Redis is away */
export class WorkerMembership {
  readonly #redis: ScriptedRedis;
  readonly #keys: readonly [workers: string, partitions: string];

  constructor(redis: Redis, prefix: string) {
    redis.defineCommand('workerBeat', { numberOfKeys: 2, lua: heartbeatScript });
    redis.defineCommand('lookAtWorkers', { numberOfKeys: 2, lua: readScript });
    this.#redis = redis as ScriptedRedis;
    this.#keys = [`${queuePrefix(prefix)}:workers`, `${queuePrefix(prefix)}:partitions`];
  }

  /** Says that a worker lives. */
  async heartbeat(worker: string): Promise<Membership> {
    const [partitions, ...workers] = await this.#redis.workerBeat(
      ...this.#keys,
      worker,
      heartbeatTimeoutMs,
      maxPartitions,
    );
    return { partitions, workers: workers.sort() };
  }

  /** Says that a worker takes no more. */
  async leave(worker: string): Promise<void> {
    await this.#redis.zrem(this.#keys[0], worker);
  }

  async read(): Promise<{ partitions: number; workers: number }> {
    const [partitions, workers] = await this.#redis.lookAtWorkers(...this.#keys, heartbeatTimeoutMs);
    return { partitions, workers };
  }
}
