/** The counts of one run of `enqueue`. */

export interface EnqueueCounts {
  /** Non-empty lines, or records. */
  lines: number;
  /** Lines of an exported log that have no update. */
  skipped: number;
  /** Invalid lines, and updates that failed permanently in a worker. */
  refused: number;
  /** Updates that were put into the queue. */
  accepted: number;
  jobs: number;
  /** Accepted updates that are in the log, with any outcome. */
  applied: number;
  /** Applied updates that conflicted with a concurrent write. */
  conflicts: number;
  /** Applied updates that were older than a write of the same device. */
  superseded: number;
  /** Updates applied before this run, or repeated in the input. */
  duplicates: number;
  /** Updates not applied because their counter was used with different content. */
  reused: number;
  /** Timestamps in the future that were clamped to the time of acceptance. */
  adjusted: number;
}

export function createEnqueueCounts(): EnqueueCounts {
  const [lines, skipped, refused, accepted, jobs, applied] = [0, 0, 0, 0, 0, 0];
  const [conflicts, superseded, duplicates, reused, adjusted] = [0, 0, 0, 0, 0];
  return { lines, skipped, refused, accepted, jobs, applied, conflicts, superseded, duplicates, reused, adjusted };
}

/** Updates that will not be applied; any of them makes the result negative. */
export function countRejected({ refused, reused }: EnqueueCounts): number {
  return refused + reused;
}

export function describeProgress({ lines, accepted, applied, duplicates }: EnqueueCounts): string {
  const skipped = duplicates > 0 ? `, ${duplicates} duplicates` : '';
  return `${accepted} accepted, ${applied} applied of ${lines} read so far${skipped}`;
}
