/** Retries the jobs that a partition's former worker had in flight. */
import type { Worker } from 'bullmq';

/**
 * Returns the active jobs of a queue to its front, in their order, instead of waiting until their locks expire. Only for a worker
 * that has leased the queue and not started yet: whoever took these jobs has lost the lease. If it still runs, it may apply them as
 * well, which is safe, because commits are idempotent.
 * @returns how many
 */
export async function reclaimJobs(worker: Pick<Worker, 'getBackend' | 'closing'>): Promise<number> {
  const backend = worker.getBackend();
  const [newestFirst = []] = await backend.getRanges(['active'], 0, -1);
  let reclaimed = 0;
  for (const id of newestFirst) {
    // The lease has ended, so that another worker may have these jobs by now.
    if (worker.closing) break;
    // Each one goes to the front. Without a token, BullMQ does not require the lock.
    await backend.moveJobFromActiveToWait(id);
    reclaimed += 1;
  }
  return reclaimed;
}
