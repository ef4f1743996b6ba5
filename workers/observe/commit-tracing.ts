/**
 * Spans for the commit and the publishing in the trace of every job, although both are done for whole batches. The statements and
 * commands are recorded in the trace of the first traced job of a batch. The spans of the other jobs link to its spans.
 */
import type { Attributes, Context, Link, Span } from '@opentelemetry/api';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import type { Tracing } from '../../shared/observability/tracing.ts';
import type { CommitTrace } from '../commit/commit-trace.ts';
import type { CommitReport } from '../commit/committer.ts';

export interface CommitTracer extends CommitTrace {
  /** Associates the job with the active trace. */
  captureContext(job: ApplyUpdates): void;
  /** Associates a part of a job with the trace of the job. */
  captureSame(part: ApplyUpdates, job: ApplyUpdates): void;
  /** @param now when the batch was published, in ms */
  record(report: CommitReport, now: number): void;
}

type Step = 'commit' | 'publish';

/** Limits the traces in one message. Further requests have no span for their delivery. */
const maxTraceparents = 8;

export function createCommitTracer({ api, tracer }: Tracing): CommitTracer {
  const contexts = new WeakMap<ApplyUpdates, Context>();
  /** The spans of the jobs whose traces contain the statements. */
  const spans = { commit: new WeakMap<ApplyUpdates, Span>(), publish: new WeakMap<ApplyUpdates, Span>() };

  const findTraced = (jobs: Iterable<ApplyUpdates>) => [...jobs].find((job) => isSampled(contexts.get(job)));
  const isSampled = (context: Context | undefined) =>
    context !== undefined && (api.trace.getSpan(context)?.isRecording() ?? false);

  /** Adds a span, measured for the whole batch, to the trace of a further job. */
  const addSpan = (step: Step, job: ApplyUpdates, times: { start: number; end: number }, batch: Batch) => {
    const context = contexts.get(job);
    if (!context || spans[step].has(job)) return;
    const links: Link[] = batch.spans[step] ? [{ context: batch.spans[step].spanContext() }] : [];
    const attributes = { ...describe(job), 'field.batch.jobs': batch.jobs.length };
    tracer.startSpan(step, { startTime: times.start, attributes, links }, context).end(times.end);
  };

  return {
    captureContext(job) {
      contexts.set(job, api.context.active());
    },
    captureSame(part, job) {
      const context = contexts.get(job);
      if (context) contexts.set(part, context);
    },
    async run(step, jobs, work) {
      const all = [...jobs];
      const first = findTraced(all);
      const context = first && contexts.get(first);
      // Not in the current context, which belongs to the job that happened to start the batch.
      if (!first || !context) return await api.context.with(api.ROOT_CONTEXT, work);
      const attributes = { ...describe(first), 'field.batch.jobs': all.length };
      const span = tracer.startSpan(step, { attributes }, context);
      spans[step].set(first, span);
      try {
        return await api.context.with(api.trace.setSpan(context, span), work);
      } catch (error) {
        span.setStatus({ code: api.SpanStatusCode.ERROR });
        span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown');
        throw error;
      } finally {
        span.end();
      }
    },
    listTraceparents(jobs) {
      const traced = jobs.filter((job) => isSampled(contexts.get(job))).slice(0, maxTraceparents);
      return traced.flatMap((job) => {
        const carrier: { traceparent?: string } = {};
        api.propagation.inject(contexts.get(job) ?? api.ROOT_CONTEXT, carrier);
        return carrier.traceparent ?? [];
      });
    },
    record({ jobs, applied, commitMs, publishMs }, now) {
      const committedAt = now - publishMs;
      const all = [...jobs.values()].flat();
      const first = findTraced(all);
      if (!first) return;
      const batch = { jobs: all, spans: { commit: spans.commit.get(first), publish: spans.publish.get(first) } };
      for (const [field, fieldJobs] of jobs) {
        for (const [index, job] of fieldJobs.entries()) {
          if (!applied.get(field)?.results[index]) continue;
          addSpan('commit', job, { start: committedAt - commitMs, end: committedAt }, batch);
          addSpan('publish', job, { start: committedAt, end: now }, batch);
        }
      }
    },
  };
}

interface Batch {
  readonly jobs: readonly ApplyUpdates[];
  readonly spans: Readonly<Record<Step, Span | undefined>>;
}

function describe({ field, updates }: ApplyUpdates): Attributes {
  return { 'field.id': field, 'field.updates': updates.length };
}
