/** Takes what was put into PostgreSQL's queue while the queue's Redis was away. */
import { setTimeout as delay } from 'node:timers/promises';
import { createPostgresBackend, type Telemetry, Worker } from 'bullmq';
import { directDatabaseUrl } from '../shared/config.ts';
import { updatesQueue } from '../shared/contract/job.ts';
import { fallbackConnection } from '../shared/fallback-queue.ts';
import type { WorkerDeps } from './deps.ts';
import type { ProcessJob } from './process-job.ts';
import { workerOptions } from './worker-options.ts';

const limitMs = 15_000;
const retryMs = 1000;
const concurrency = 100;

const createWorker = (databaseUrl: string, process: ProcessJob, telemetry: Telemetry | undefined) =>
  new Worker(
    updatesQueue,
    process,
    {
      connection: fallbackConnection(databaseUrl, 4, limitMs),
      // Only once its connection stands: a worker that starts on a failed one spins for ever.
      autorun: false,
      concurrency,
      telemetry,
      ...workerOptions,
    },
    createPostgresBackend,
  );

/** Starts as soon as PostgreSQL answers, and stops with the lifecycle. */
export function startFallbackWorker(
  { config, log, lifecycle, db }: WorkerDeps,
  process: ProcessJob,
  telemetry: Telemetry | undefined,
): void {
  let stop = async () => {};
  lifecycle.onStop('fallback worker', () => stop());
  const start = async (): Promise<void> => {
    while (!lifecycle.stopping) {
      const worker = createWorker(directDatabaseUrl(config), process, telemetry);
      worker.on('error', (err) => log.debug({ err }, 'fallback worker error'));
      worker.on('failed', (job, err) => log.warn({ err, job: job?.id }, 'a job of the fallback queue failed'));
      try {
        await db.raw('SELECT 1');
        await worker.waitUntilReady();
        stop = () => worker.close();
        // Stopped meanwhile: it must not begin.
        return await (lifecycle.stopping ? stop() : worker.run());
      } catch (err) {
        log.warn({ err }, 'the fallback queue cannot be read yet');
        await worker.close().catch(() => undefined);
        await delay(retryMs);
      }
    }
  };
  void start();
}
