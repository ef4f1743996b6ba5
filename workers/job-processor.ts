/**
 * Processes a job: each of its requests is applied and answered separately. Translates errors for BullMQ: a permanent failure
 * moves the job to the dead-letter queue, a transient one is retried.
 */
import { type Job, UnrecoverableError } from 'bullmq';
import type { z } from 'zod';
import { describeFailure, isTransient } from '../db/transient-errors.ts';
import type { RevocationList } from '../shared/auth/revocation-list.ts';
import type { FieldCache } from '../shared/cache/field-cache.ts';
import {
  type ApplyUpdates,
  type ApplyUpdatesResult,
  createJobSchema,
  listRequests,
  type ReplyAddress,
  type UpdatesJob,
} from '../shared/contract/job.ts';
import { toInputErrors } from '../shared/contract/problem.ts';
import { maxRequestBytes } from '../shared/contract/wire.ts';
import type { Logger } from '../shared/process/logger.ts';
import { estimateJobBytes } from '../shared/queue/job-size.ts';
import { authorizeJob, needsRevocationCheck } from './authorize-job.ts';
import type { LowPriorityThrottle } from './commit/low-priority-throttle.ts';
import type { CommitTracer } from './observe/commit-tracing.ts';
import type { WorkerMetrics } from './observe/metrics.ts';

const sizeSlackBytes = 64 * 1024;

interface JobProcessorDeps {
  readonly throttle: LowPriorityThrottle;
  readonly cache: FieldCache;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
  readonly tracer: CommitTracer | undefined;
  readonly revocations: RevocationList;
  /** Retries until the revocations are read. Afterwards the list contains every revocation made before the call. */
  readonly checkRevocations: () => Promise<void>;
  readonly gridSize: number;
  /** Retries until the installation's grid size is read. It may have grown since this process started. */
  readonly readGridSize: () => Promise<number>;
  /** Adds requests to the queue again, each as its own job. */
  readonly requeueIndividually: (jobs: readonly ApplyUpdates[]) => Promise<void>;
}

export type ProcessJob = (job: Pick<Job<UpdatesJob>, 'id' | 'data'> & Partial<Pick<Job, 'priority'>>) => Promise<void>;

/** Jobs have no return value, because the results are in the log and waiting requests have been answered. */
export function createJobProcessor(deps: JobProcessorDeps): ProcessJob {
  const applyRequest = createRequestHandler(deps);
  return async ({ id, data, priority = 0 }) => {
    const requests = listRequests(data);
    const [single] = requests;
    // BullMQ's job ids increase in the order in which jobs are added.
    const sequence = Number(id);
    const isLowPriority = priority > 0;
    try {
      if (requests.length === 1) return await applyRequest(single, sequence, isLowPriority);
    } catch (error) {
      if (error instanceof UnrecoverableError) deps.metrics.failedJobs.inc();
      throw error;
    }
    const outcomes = await Promise.allSettled(
      requests.map((request, index) => applyRequest(request, sequence + index / requests.length, isLowPriority)),
    );
    const poisonRequests = requests.filter((_, index) => isPermanentFailure(outcomes[index]));
    const transientFailure = outcomes.find((outcome) => outcome.status === 'rejected' && !isPermanentFailure(outcome));
    // The whole job is retried: requests that have been applied are recognised as duplicates.
    if (transientFailure?.status === 'rejected') throw transientFailure.reason;
    // As jobs of their own they fail again, and are dead-lettered with their own reasons and without the other requests.
    if (poisonRequests.length > 0) await deps.requeueIndividually(poisonRequests);
  };
}

function isPermanentFailure(outcome: PromiseSettledResult<void> | undefined): boolean {
  return outcome?.status === 'rejected' && outcome.reason instanceof UnrecoverableError;
}

/** The path and the message of the first issue. */
function describeIssue(error: z.ZodError): string {
  const [first] = toInputErrors(error);
  return first ? `${first.path}: ${first.message}` : 'unknown';
}

/** @throws UnrecoverableError for a request that can never be applied */
function createRequestHandler(deps: JobProcessorDeps) {
  const { throttle, cache, log, tracer, revocations, checkRevocations, readGridSize } = deps;
  let { gridSize } = deps;
  let schema = createJobSchema(gridSize);
  const growGrid = async () => {
    const installed = await readGridSize();
    if (installed <= gridSize) return;
    log.info({ from: gridSize, to: installed }, 'grid size increased');
    gridSize = installed;
    schema = createJobSchema(gridSize);
  };
  return async (data: unknown, sequence: number, isLowPriority: boolean): Promise<void> => {
    let job = schema.safeParse(data);
    if (!job.success) {
      await growGrid();
      job = schema.safeParse(data);
    }
    if (!job.success) throw new UnrecoverableError(`invalid_input: ${describeIssue(job.error)}`);
    if (isTooLarge(job.data))
      throw new UnrecoverableError('invalid_input: the updates are larger than a request can be');
    if (needsRevocationCheck(job.data)) await checkRevocations();
    const denial = authorizeJob(job.data, revocations);
    if (denial) throw new UnrecoverableError(denial);
    try {
      tracer?.captureContext(job.data);
      const result = await throttle.submit(job.data, sequence, isLowPriority);
      const { replyTo } = job.data;
      if (replyTo) await sendReply(cache, log, replyTo, result);
    } catch (error) {
      if (isTransient(error)) throw error;
      const { field, device, request } = job.data;
      log.error({ err: error, field, device, request }, 'job failed permanently');
      throw new UnrecoverableError(describeFailure(error));
    }
  };
}

/** The API accepts no such job, but other programs can write to the queue. The slack covers the defaults that parsing adds. */
function isTooLarge(job: ApplyUpdates): boolean {
  if (estimateJobBytes(job) <= maxRequestBytes) return false;
  return JSON.stringify(job.updates).length > maxRequestBytes + sizeSlackBytes;
}

/** Never throws: a request whose reply was lost reads the result from the log. */
async function sendReply(cache: FieldCache, log: Logger, to: ReplyAddress, result: ApplyUpdatesResult) {
  try {
    await cache.publishReply(to.process, JSON.stringify({ request: to.request, ...result }));
  } catch (err) {
    log.debug({ err }, 'reply failed');
  }
}
