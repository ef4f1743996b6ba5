/**
 * How many partitions the queue has, in its Redis: how many may contain jobs, which never falls, and over how many new jobs
 * are distributed, which follows the number of workers. Workers report that number; it is a hint, so nothing expires.
 */
import type { Redis } from 'ioredis';
import { maxPartitions, queuePrefix } from './partitions.ts';

export interface PartitionCounts {
  /** The number of partitions that may contain jobs. */
  readonly all: number;
  /** The number of partitions that new jobs are distributed over. */
  readonly active: number;
}

/** KEYS: all, active. ARGV: workers, '1' if fewer than before are believed, known. Returns all. Writes only what changes. */
const reportScript = `
local all = tonumber(redis.call('GET', KEYS[1]) or '1')
if tonumber(ARGV[3]) > all then
  all = tonumber(ARGV[3])
  redis.call('SET', KEYS[1], all)
end
local stored = redis.call('GET', KEYS[2])
local active = tonumber(ARGV[1])
if ARGV[2] ~= '1' then active = math.max(active, tonumber(stored or all)) end
if active > all then
  all = active
  redis.call('SET', KEYS[1], all)
end
if stored ~= tostring(active) then redis.call('SET', KEYS[2], active) end
return all`;

/** KEYS: all. ARGV: known. Writes only if fewer are stored. */
const raiseScript = `
if tonumber(ARGV[1]) > tonumber(redis.call('GET', KEYS[1]) or '1') then redis.call('SET', KEYS[1], ARGV[1]) end`;

interface ScriptedRedis extends Redis {
  reportWorkers(all: string, active: string, workers: number, mayLower: '0' | '1', known: number): Promise<number>;
  raisePartitions(all: string, known: number): Promise<null>;
}

/**
 * A Redis that returns without its latest data may have forgotten partitions which a process goes on using. So the highest
 * number that a process has seen is stored again.
 *
 * Every method @throws if Redis does not answer
 */
export class PartitionCounter {
  readonly #redis: ScriptedRedis;
  readonly #keys: readonly [all: string, active: string];
  /** The highest number of partitions that was seen. */
  #known = 1;

  constructor(redis: Redis, prefix: string) {
    redis.defineCommand('reportWorkers', { numberOfKeys: 2, lua: reportScript });
    redis.defineCommand('raisePartitions', { numberOfKeys: 1, lua: raiseScript });
    this.#redis = redis as ScriptedRedis;
    this.#keys = [`${queuePrefix(prefix)}:partitions`, `${queuePrefix(prefix)}:active-partitions`];
  }

  /**
   * Adapts the counts to the number of workers.
   * @param mayLower false as long as workers may only seem to be missing
   * @returns the number of partitions that may contain jobs
   */
  async report(workers: number, mayLower: boolean): Promise<number> {
    const count = Math.min(workers, maxPartitions);
    this.#known = await this.#redis.reportWorkers(...this.#keys, count, mayLower ? '1' : '0', this.#known);
    return this.#known;
  }

  async read(): Promise<PartitionCounts> {
    const [all, active] = await this.#redis.mget(...this.#keys);
    const stored = Number(all ?? 1);
    if (stored < this.#known) await this.#redis.raisePartitions(this.#keys[0], this.#known);
    this.#known = Math.max(stored, this.#known);
    return { all: this.#known, active: Number(active ?? all ?? 1) };
  }
}
