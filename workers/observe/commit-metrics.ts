/** Records the metrics of a committed batch, with as few calls as possible, since every job waits for it. */
import type { CommitReport } from '../commit/committer.ts';
import type { WorkerMetrics } from './metrics.ts';

/** @param now when it was published, in ms of this machine's clock */
export function recordCommit(metrics: WorkerMetrics, report: CommitReport, now: number): void {
  const { jobs, applied, unpublished, commitMs, publishMs } = report;
  metrics.batchFields.observe(jobs.size);
  metrics.commitSeconds.observe(commitMs / 1000);
  metrics.publishSeconds.observe(publishMs / 1000);
  metrics.publishFailures.inc(unpublished.size);
  const outcomes = new Map<string, number>();
  let jobCount = 0;
  let updateCount = 0;
  for (const [field, fieldJobs] of jobs) {
    const { results = [], updates = [], commit } = applied.get(field) ?? {};
    jobCount += fieldJobs.length;
    updateCount += updates.length;
    for (const { outcome } of updates) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    for (const { resolution } of commit?.conflicts ?? []) metrics.conflicts.inc({ resolution });
    for (const [index, { acceptedAt, grant }] of fieldJobs.entries()) {
      if (!results[index]) {
        metrics.deferredJobs.inc();
        continue;
      }
      // Jobs of `enqueue` wait behind all others by design, and no device waits for them.
      if (!grant) continue;
      // The clock of the process that accepted the job may be ahead of this one's.
      const lagSeconds = Math.max(0, now - acceptedAt) / 1000;
      metrics.appliedLag.observe(Math.max(0, lagSeconds - publishMs / 1000));
      if (!unpublished.has(field)) metrics.visibleLag.observe(lagSeconds);
    }
  }
  for (const [outcome, count] of outcomes) metrics.settledUpdates.inc({ outcome }, count);
  metrics.batchJobs.observe(jobCount);
  metrics.batchUpdates.observe(updateCount);
}
