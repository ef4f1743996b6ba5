/** How the queue in Redis stands. */
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { updatesQueue } from '../shared/contract/job.ts';
import type { QueueCounts } from '../shared/queue-counts.ts';
import { queuePrefix } from '../shared/update-queue.ts';

interface RedisQueueCounts extends QueueCounts {
  /** Worker processes that are connected. */
  readonly workers: number;
}

/** Of the active jobs: more are not looked at for the locks of their workers. */
const lookedAt = 1000;

export async function readQueueCounts(redis: Redis, prefix: string): Promise<RedisQueueCounts> {
  const queue = new Queue(updatesQueue, {
    connection: redis,
    prefix: queuePrefix(prefix),
    skipWaitingForReady: true,
    skipVersionCheck: true,
  });
  queue.on('error', () => undefined);
  try {
    const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed');
    const [workers, isPaused] = [await queue.getWorkersCount(), await queue.isPaused()];
    const oldest = await queue.getJobs(['waiting', 'active', 'delayed'], 0, 0, true);
    const times = oldest.flatMap((job) => (job ? [job.timestamp] : []));
    return {
      waiting: counts.waiting ?? 0,
      active: counts.active ?? 0,
      delayed: counts.delayed ?? 0,
      failed: counts.failed ?? 0,
      stalled: await countStalled(queue, redis),
      oldestAt: times.length > 0 ? Math.min(...times) : null,
      isPaused,
      workers,
    };
  } finally {
    await queue.close();
  }
}

async function countStalled(queue: Queue, redis: Redis): Promise<number> {
  const ids = await redis.lrange(queue.toKey('active'), 0, lookedAt - 1);
  if (ids.length === 0) return 0;
  const locks = await redis.mget(ids.map((id) => queue.toKey(`${id}:lock`)));
  return locks.filter((lock) => lock === null).length;
}
