/** Consumes the fallback queue in PostgreSQL, to which jobs are added while the queue's Redis is unavailable. */
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
 * BullMQ's PostgreSQL backend with polling and a retry delay. After a failed subscription, the original waits up to an
 * hour for a notification that a dead connection cannot deliver. It also retries a failed query without delay, about a
 * thousand times a second.
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
      // BullMQ's return value for a wait without a notification. The worker then polls the queue.
      return null;
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
      // Started by `startFallbackConsumer` once connected: a worker that starts while disconnected retries in a busy loop.
      autorun: false,
      concurrency,
      telemetry,
      // The polling backend has already waited before it reports an error.
      runRetryDelay: 1,
      ...consumerOptions,
    },
    createPollingBackend,
  );

/** Starts consuming once PostgreSQL is reachable, retrying until then. The lifecycle stops it. */
export function startFallbackConsumer(
  { config, log, lifecycle, db }: WorkerDeps,
  processJob: ProcessJob,
  telemetry: Telemetry | undefined,
): void {
  let stop = async () => {};
  lifecycle.onStop('fallback consumer', () => stop());
  const start = async (): Promise<void> => {
    while (!lifecycle.isStopping) {
      const worker = createWorker(directDatabaseUrl(config), processJob, telemetry);
      worker.on('error', (err) => log.debug({ err }, 'fallback consumer error'));
      worker.on('failed', (job, err) => log.warn({ err, job: job?.id }, 'fallback job failed'));
      try {
        await db.raw('SELECT 1');
        await worker.waitUntilReady();
        stop = () => worker.close();
        // The process may have begun to stop while the worker was connecting.
        return await (lifecycle.isStopping ? stop() : worker.run());
      } catch (err) {
        log.warn({ err }, 'fallback queue unavailable; retrying');
        await worker.close().catch(() => undefined);
        await delay(retryDelayMs);
      }
    }
  };
  void start();
}
