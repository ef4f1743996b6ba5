/** Loses updates that have their receipts: takes jobs out of the queue while both workers stand still. */
import { waitUntil } from '../../support/wait-until.ts';
import type { Plant } from './plant.ts';

const wanted = 12;

export const dropAccepted: Plant = {
  caughtAs: 'lost',
  async tamper({ stack, observer }) {
    for (const worker of stack.workers) worker.send('SIGSTOP');
    try {
      // Several, since a device may send one of them again and so save it.
      const jobs = await waitUntil('jobs wait', async () => {
        const waiting = await observer.queue.getWaiting(0, wanted);
        return waiting.length >= wanted && waiting;
      });
      for (const job of jobs) await job.remove();
    } finally {
      for (const worker of stack.workers) worker.send('SIGCONT');
    }
  },
};
