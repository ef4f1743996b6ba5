/** The statistics of all queues in Redis, added up. */
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { PartitionedQueue } from '../../shared/queue/partitioned-queue.ts';
import type { QueueCounts } from '../../shared/queue-counts.ts';

interface RedisQueueStats extends QueueCounts {
  /** Running worker processes. */
  readonly workers: number;
}

/** At most so many active jobs per queue are checked for a missing lock. */
const maxCheckedJobs = 1000;

export async function readRedisQueueStats(redis: Redis, prefix: string): Promise<RedisQueueStats> {
  const queues = new PartitionedQueue(redis, { prefix });
  try {
    const workers = await queues.refresh();
    const { counts, oldestAt } = await queues.readStats();
    const stalled = await Promise.all(queues.all.map((queue) => countStalled(queue, redis)));
    const pauses = await Promise.all(queues.all.map((queue) => queue.isPaused()));
    return {
      waiting: counts.waiting ?? 0,
      active: counts.active ?? 0,
      delayed: counts.delayed ?? 0,
      failed: counts.failed ?? 0,
      stalled: stalled.reduce((sum, count) => sum + count, 0),
      oldestAt: oldestAt ?? null,
      isPaused: pauses.includes(true),
      workers,
    };
  } finally {
    await queues.close();
  }
}

async function countStalled(queue: Queue, redis: Redis): Promise<number> {
  const ids = await redis.lrange(queue.toKey('active'), 0, maxCheckedJobs - 1);
  if (ids.length === 0) return 0;
  const locks = await redis.mget(ids.map((id) => queue.toKey(`${id}:lock`)));
  return locks.filter((lock) => lock === null).length;
}
