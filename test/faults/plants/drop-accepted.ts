/** Loses accepted updates: removes jobs from the queue while both workers are paused. */
import type { Job } from 'bullmq';
import { waitUntil } from '../../support/wait-until.ts';
import type { Plant } from './plant.ts';

const dropCount = 12;

export const dropAccepted: Plant = {
  expectedViolation: 'lost',
  async tamper({ stack, observer }) {
    for (const worker of stack.workers) worker.send('SIGSTOP');
    try {
      let dropped = 0;
      // Several jobs are removed, since a device may resend an update and so restore it.
      await waitUntil(`${dropCount} jobs are removed`, async () => {
        for (const queue of observer.queues.all) {
          for (const job of await queue.getWaiting(0, dropCount)) dropped += await removeUnlessActive(job);
        }
        return dropped >= dropCount;
      });
    } finally {
      for (const worker of stack.workers) worker.send('SIGCONT');
    }
  },
};

/** A worker may have locked the job before it was paused; removing it then fails. */
async function removeUnlessActive(job: Job): Promise<number> {
  try {
    await job.remove();
    return 1;
  } catch {
    return 0;
  }
}
