/** What a worker does with one job: checks it, has it committed, and tells who waits. */
import { type Job, UnrecoverableError } from 'bullmq';
import { type ApplyUpdates, type ApplyUpdatesResult, createJobSchema } from '../shared/contract/job.ts';
import type { FieldCache } from '../shared/field-cache.ts';
import type { Logger } from '../shared/log.ts';
import type { RevocationList } from '../shared/revocation-list.ts';
import { checkGrant } from './check-grant.ts';
import type { Committer } from './committer.ts';
import { describeFailure, isPassing } from './failures.ts';
import type { WorkerMetrics } from './metrics.ts';
import type { CommitTracer } from './trace-commits.ts';

interface ProcessorDeps {
  readonly committer: Committer;
  readonly cache: FieldCache;
  readonly log: Logger;
  readonly metrics: WorkerMetrics;
  readonly tracer: CommitTracer | undefined;
  readonly revocations: RevocationList;
  readonly gridSize: number;
}

/** The worker's translator of errors: what can never be applied fails for good, everything else comes back. */
export function createProcessor({ committer, cache, log, metrics, tracer, revocations, gridSize }: ProcessorDeps) {
  const schema = createJobSchema(gridSize);
  const failForGood = (reason: string): never => {
    metrics.failedJobs.inc();
    throw new UnrecoverableError(reason);
  };
  return async ({ id, data }: Pick<Job, 'id' | 'data'>): Promise<ApplyUpdatesResult> => {
    const job = schema.safeParse(data);
    if (!job.success) return failForGood(`invalid_input: ${job.error.issues[0]?.message ?? 'unknown'}`);
    const refusal = checkGrant(job.data, revocations);
    if (refusal) return failForGood(refusal);
    try {
      tracer?.note(job.data);
      // Ids count up as jobs are added.
      const result = await committer.submit(job.data, Number(id));
      const { replyTo } = job.data;
      if (replyTo) await sendReply(cache, log, replyTo, result);
      return result;
    } catch (error) {
      if (isPassing(error)) throw error;
      log.error({ err: error, field: job.data.field, device: job.data.device }, 'a job can never be applied');
      return failForGood(describeFailure(error));
    }
  };
}

/** A lost reply costs the waiting request a look into the log, and nothing else. */
async function sendReply(
  cache: FieldCache,
  log: Logger,
  to: NonNullable<ApplyUpdates['replyTo']>,
  result: ApplyUpdatesResult,
) {
  try {
    await cache.reply(to.process, JSON.stringify({ request: to.request, ...result }));
  } catch (err) {
    log.debug({ err }, 'a reply could not be sent');
  }
}
