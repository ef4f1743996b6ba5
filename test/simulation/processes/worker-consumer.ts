/** Opens a consumer as `workers/consume/open-consumer.ts` does, with the model of BullMQ's worker in place of the real one. */
import { withTimeoutValue } from '../../../shared/process/with-timeout.ts';
import type { Consumer } from '../../../workers/consume/partition-consumers.ts';
import { ReturnableJobs } from '../../../workers/consume/returnable-jobs.ts';
import type { ProcessJob } from '../../../workers/job-processor.ts';
import { ModelWorker, type ModelWorkerDeps } from '../models/queue/model-worker.ts';
import { silentLog } from './environment.ts';

const abandonTimeoutMs = 5000;

export interface WorkerConsumer extends Consumer {
  /** The process is dead. */
  drop(): void;
}

export interface WorkerConsumerDeps extends Omit<ModelWorkerDeps, 'processJob'> {
  readonly processJob: ProcessJob;
}

export function openWorkerConsumer(deps: WorkerConsumerDeps, partition: number): WorkerConsumer {
  const jobs = new ReturnableJobs(deps.processJob, silentLog);
  const worker = new ModelWorker({ ...deps, processJob: (job, token) => jobs.process(job, token) }, partition);
  worker.start();
  return {
    setConcurrencyShare: () => undefined,
    close: () => worker.close(),
    abandon: async () => {
      const closed = worker.close().then(() => true);
      jobs.returnAll();
      if (!(await withTimeoutValue(closed, abandonTimeoutMs, false))) worker.forceClose();
    },
    drop: () => worker.drop(),
  };
}
