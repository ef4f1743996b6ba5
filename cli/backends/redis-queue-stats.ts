/** How the queues in Redis stand, taken together. */
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { UpdateQueues } from '../../shared/queue/partitioned-queue.ts';
import type { QueueCounts } from '../../shared/queue-counts.ts';

interface RedisQueueCounts extends QueueCounts {
  /** Worker processes that live. */
  readonly workers: number;
}

/** Of the active jobs: more are not looked at for the locks of their workers. */
const lookedAt = 1000;

export async function readQueueCounts(redis: Redis, prefix: string): Promise<RedisQueueCounts> {
  const queues = new UpdateQueues(redis, { prefix });
  try {
    const workers = await queues.look();
    const { counts, oldestAt } = await queues.lookInto();
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
  const ids = await redis.lrange(queue.toKey('active'), 0, lookedAt - 1);
  if (ids.length === 0) return 0;
  const locks = await redis.mget(ids.map((id) => queue.toKey(`${id}:lock`)));
  return locks.filter((lock) => lock === null).length;
}
