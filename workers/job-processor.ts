/**
 * What becomes of a job: each request in it is applied and answered on its own. The worker's translator of errors: what
 * can never be applied fails for good, everything else comes back.
 */
import { type Job, UnrecoverableError } from 'bullmq';
import { describeFailure, isPassing } from '../db/transient-errors.ts';
import type { RevocationList } from '../shared/auth/revocation-list.ts';
import type { FieldCache } from '../shared/cache/field-cache.ts';
import {
  type ApplyUpdates,
  type ApplyUpdatesResult,
  createJobSchema,
  type ReplyAddress,
  requestsOf,
  type UpdatesJob,
} from '../shared/contract/job.ts';
import type { Logger } from '../shared/process/logger.ts';
import { checkGrant } from './authorize-job.ts';
import type { Committer } from './commit/committer.ts';
import type { CommitTracer } from './observe/commit-tracing.ts';
import type { WorkerMetrics } from './observe/metrics.ts';

interface ProcessorDeps {
  readonly committer: Committer;
  readonly cache: FieldCache;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
  readonly tracer: CommitTracer | undefined;
  readonly revocations: RevocationList;
  readonly gridSize: number;
  /** Puts requests into the queue again, each as a job of its own. */
  readonly requeueAlone: (jobs: readonly ApplyUpdates[]) => Promise<void>;
}

export type ProcessJob = (job: Pick<Job<UpdatesJob>, 'id' | 'data'>) => Promise<void>;

/** The log has the results, and those who wait were told: the job itself ends with nothing, which costs the queue least. */
export function createProcessor(deps: ProcessorDeps): ProcessJob {
  const apply = createApply(deps);
  return async ({ id, data }) => {
    const requests = requestsOf(data);
    const [alone] = requests;
    // Ids count up as jobs are added.
    const place = Number(id);
    try {
      if (requests.length === 1) return await apply(alone, place);
    } catch (error) {
      if (error instanceof UnrecoverableError) deps.metrics.failedJobs.inc();
      throw error;
    }
    const outcomes = await Promise.allSettled(
      requests.map((request, index) => apply(request, place + index / requests.length)),
    );
    const culprits = requests.filter((_, index) => isFailedForGood(outcomes[index]));
    const passing = outcomes.find((outcome) => outcome.status === 'rejected' && !isFailedForGood(outcome));
    // Comes again as it is: what is applied already is found in the log.
    if (passing?.status === 'rejected') throw passing.reason;
    // Alone they fail again, and stand among the dead jobs with their own reasons and without their neighbours.
    if (culprits.length > 0) await deps.requeueAlone(culprits);
  };
}

function isFailedForGood(outcome: PromiseSettledResult<void> | undefined): boolean {
  return outcome?.status === 'rejected' && outcome.reason instanceof UnrecoverableError;
}

/** @throws UnrecoverableError for a request that can never be applied */
function createApply({ committer, cache, log, tracer, revocations, gridSize }: ProcessorDeps) {
  const schema = createJobSchema(gridSize);
  return async (data: unknown, place: number): Promise<void> => {
    const job = schema.safeParse(data);
    if (!job.success) throw new UnrecoverableError(`invalid_input: ${job.error.issues[0]?.message ?? 'unknown'}`);
    const refusal = checkGrant(job.data, revocations);
    if (refusal) throw new UnrecoverableError(refusal);
    try {
      tracer?.note(job.data);
      const result = await committer.submit(job.data, place);
      const { replyTo } = job.data;
      if (replyTo) await sendReply(cache, log, replyTo, result);
    } catch (error) {
      if (isPassing(error)) throw error;
      log.error({ err: error, field: job.data.field, device: job.data.device }, 'a job can never be applied');
      throw new UnrecoverableError(describeFailure(error));
    }
  };
}

/** A lost reply costs the waiting request a look into the log, and nothing else. */
async function sendReply(cache: FieldCache, log: Logger, to: ReplyAddress, result: ApplyUpdatesResult) {
  try {
    await cache.reply(to.process, JSON.stringify({ request: to.request, ...result }));
  } catch (err) {
    log.debug({ err }, 'a reply could not be sent');
  }
}
