/** What an enqueueing has come to, counted. */

export interface EnqueueCounts {
  /** Lines with something in them. */
  lines: number;
  /** Lines that are no valid update of a device, or that no worker could ever apply. */
  refused: number;
  /** Updates that stand in the queue or have left it. */
  accepted: number;
  jobs: number;
  /** Of the accepted: in the log, with whatever outcome. */
  applied: number;
  /** Of the applied. */
  conflicts: number;
  /** Of the applied: the device's own older write came late. */
  superseded: number;
  /** Applied before this run, or twice in the input. */
  duplicates: number;
  /** Not applied, since the counter was used for another content. */
  reused: number;
  /** Timestamps from the future that were brought down. */
  adjusted: number;
}

export function createEnqueueCounts(): EnqueueCounts {
  const [lines, refused, accepted, jobs, applied] = [0, 0, 0, 0, 0];
  const [conflicts, superseded, duplicates, reused, adjusted] = [0, 0, 0, 0, 0];
  return { lines, refused, accepted, jobs, applied, conflicts, superseded, duplicates, reused, adjusted };
}

/** How many updates were not taken over, so that the answer is no. */
export function countRejected({ refused, reused }: EnqueueCounts): number {
  return refused + reused;
}

export function describeProgress({ lines, accepted, applied, duplicates }: EnqueueCounts): string {
  const skipped = duplicates > 0 ? `, ${duplicates} were there before` : '';
  return `${accepted} accepted, ${applied} applied of ${lines} read so far${skipped}`;
}

/** What is settled of the lines, for a bar. */
export function countSettled({ applied, duplicates, reused, refused }: EnqueueCounts): number {
  return applied + duplicates + reused + refused;
}
