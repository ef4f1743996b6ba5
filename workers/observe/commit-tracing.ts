/** Adds spans for the commit and the publishing to the trace of every job, although both are done for whole batches. */
import type { Context } from '@opentelemetry/api';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { Tracing } from '../../shared/observability/tracing.ts';
import type { CommitReport } from '../commit/committer.ts';

export interface CommitTracer {
  /** Associates the job with the active trace. */
  captureContext(job: ApplyUpdates): void;
  /** @param now when the batch was published, in ms */
  record(report: CommitReport, now: number): void;
}

export function createCommitTracer({ api, tracer }: Tracing): CommitTracer {
  const contexts = new WeakMap<ApplyUpdates, Context>();
  return {
    captureContext(job) {
      contexts.set(job, api.context.active());
    },
    record({ jobs, applied, commitMs, publishMs }, now) {
      const committedAt = now - publishMs;
      const batchJobs = [...jobs.values()].reduce((sum, fieldJobs) => sum + fieldJobs.length, 0);
      for (const [field, fieldJobs] of jobs) {
        for (const [index, job] of fieldJobs.entries()) {
          const context = contexts.get(job);
          if (!context || !applied.get(field)?.results[index]) continue;
          const attributes = { 'field.id': field, 'field.updates': job.updates.length, 'field.batch.jobs': batchJobs };
          tracer.startSpan('commit', { startTime: committedAt - commitMs, attributes }, context).end(committedAt);
          tracer.startSpan('publish', { startTime: committedAt, attributes }, context).end(now);
        }
      }
    },
  };
}
