/** The statistics of all queues in Redis, added up. */
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { PartitionedQueue } from '../../shared/queue/partitioned-queue.ts';
import type { DetailedQueueStats } from '../../shared/queue/queue-stats.ts';

/** The maximum number of active jobs per queue that are checked for a missing lock. */
const maxCheckedJobs = 1000;

export async function readRedisQueueStats(redis: Redis, prefix: string): Promise<DetailedQueueStats> {
  const queues = new PartitionedQueue(redis, { prefix });
  try {
    const stats = await queues.readStats();
    const stalled = await Promise.all(queues.all.map((queue) => countStalled(queue, redis)));
    const pauses = await Promise.all(queues.all.map((queue) => queue.isPaused()));
    return {
      ...stats,
      stalled: stalled.reduce((sum, count) => sum + count, 0),
      isPaused: pauses.includes(true),
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
