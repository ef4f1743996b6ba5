/** Loses updates that have their receipts: takes jobs out of the queue while both workers stand still. */
import type { Job } from 'bullmq';
import { waitUntil } from '../../support/wait-until.ts';
import type { Plant } from './plant.ts';

const wanted = 12;

export const dropAccepted: Plant = {
  expectedViolation: 'lost',
  async tamper({ stack, observer }) {
    for (const worker of stack.workers) worker.send('SIGSTOP');
    try {
      let dropped = 0;
      // Several, since a device may send one of them again and so save it.
      await waitUntil(`${wanted} jobs are dropped`, async () => {
        for (const queue of observer.queues.all) {
          for (const job of await queue.getWaiting(0, wanted)) dropped += await removeUnlessTaken(job);
        }
        return dropped >= wanted;
      });
    } finally {
      for (const worker of stack.workers) worker.send('SIGCONT');
    }
  },
};

/** A worker may have taken it with the last thing that it did. */
async function removeUnlessTaken(job: Job): Promise<number> {
  try {
    await job.remove();
    return 1;
  } catch {
    return 0;
  }
}
