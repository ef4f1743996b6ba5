/** Takes what was put into PostgreSQL's queue while the queue's Redis was away. */
import { setTimeout as delay } from 'node:timers/promises';
import { createPostgresBackend, type Telemetry, Worker } from 'bullmq';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { updatesQueue } from '../../shared/contract/job.ts';
import { fallbackConnection } from '../../shared/queue/fallback-queue.ts';
import type { ProcessJob } from '../job-processor.ts';
import type { WorkerDeps } from '../worker-context.ts';
import { consumerOptions } from './consumer-options.ts';

const timeoutMs = 15_000;
const retryDelayMs = 1000;
const pollIntervalSeconds = 2;
const concurrency = 100;

/**
 * BullMQ's backend, but watchful and patient. By itself, it waits to be told of a job for up to an hour once it has failed to
 * subscribe, though a connection that has fallen silent tells of none; and it asks a PostgreSQL that fails it again at once,
 * a thousand times a second.
 */
const createPollingBackend: typeof createPostgresBackend = (...options) => {
  const backend = createPostgresBackend(...options);
  const waitForJob = backend.waitForJob.bind(backend);
  const moveToActive = backend.moveToActive.bind(backend);
  backend.waitForJob = async (seconds) => {
    try {
      return await waitForJob(Math.min(seconds, pollIntervalSeconds));
    } catch (error) {
      backend.emit('error', error as Error);
      await delay(retryDelayMs);
      return null; // As after any wait in vain: the worker looks by itself.
    }
  };
  backend.moveToActive = async (...args) => {
    try {
      return await moveToActive(...args);
    } catch (error) {
      await delay(retryDelayMs);
      throw error;
    }
  };
  return backend;
};

const createWorker = (databaseUrl: string, processJob: ProcessJob, telemetry: Telemetry | undefined) =>
  new Worker(
    updatesQueue,
    processJob,
    {
      connection: fallbackConnection(databaseUrl, 4, timeoutMs),
      // Only once its connection stands: a worker that starts on a failed one spins for ever.
      autorun: false,
      concurrency,
      telemetry,
      // The backend has waited.
      runRetryDelay: 1,
      ...consumerOptions,
    },
    createPollingBackend,
  );

/** Starts as soon as PostgreSQL answers, and stops with the lifecycle. */
export function startFallbackConsumer(
  { config, log, lifecycle, db }: WorkerDeps,
  processJob: ProcessJob,
  telemetry: Telemetry | undefined,
): void {
  let stop = async () => {};
  lifecycle.onStop('fallback worker', () => stop());
  const start = async (): Promise<void> => {
    while (!lifecycle.isStopping) {
      const worker = createWorker(directDatabaseUrl(config), processJob, telemetry);
      worker.on('error', (err) => log.debug({ err }, 'fallback worker error'));
      worker.on('failed', (job, err) => log.warn({ err, job: job?.id }, 'a job of the fallback queue failed'));
      try {
        await db.raw('SELECT 1');
        await worker.waitUntilReady();
        stop = () => worker.close();
        // Stopped meanwhile: it must not begin.
        return await (lifecycle.isStopping ? stop() : worker.run());
      } catch (err) {
        log.warn({ err }, 'the fallback queue cannot be read yet');
        await worker.close().catch(() => undefined);
        await delay(retryDelayMs);
      }
    }
  };
  void start();
}
