/** Estimates the size of jobs in the queue. */
import type { ApplyUpdates } from '../contract/job.ts';
import type { SentUpdate } from '../field/update.ts';

/** An upper estimate of the bytes that a request occupies in a queue. */
export function estimateJobBytes({ updates }: Pick<ApplyUpdates, 'updates'>): number {
  return updates.reduce((sum, update) => sum + estimateUpdateBytes(update), 0);
}

function estimateUpdateBytes(update: SentUpdate): number {
  const { clock } = update;
  const origin = 150 + (clock ? 40 * Object.keys(clock).length : 0);
  switch (update.kind) {
    case 'cells.set':
      return origin + 40 * update.cells.length;
    case 'particle.put':
      return origin + 150 + 3 * (update.content?.length ?? 0) + 100 * (update.connections?.length ?? 0);
    case 'particle.remove':
    case 'event':
      return origin;
  }
}
