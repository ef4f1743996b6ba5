/**
 * Delivers webhooks in this worker: a separate queue with one job for each receiver that has pending changes, and a consumer with low
 * concurrency, so that slow or unreachable receivers block neither the connections nor the jobs of updates.
 */
import { Queue, type RedisOptions, Worker } from 'bullmq';
import { createChangeFeedReader } from '../../db/read/changes/read-changes.ts';
import { listActiveWebhooks } from '../../db/webhooks/webhook-row.ts';
import { formatChangeCursor } from '../../shared/exchange/change-cursor.ts';
import type { WorkerDeps } from '../worker-context.ts';
import { deliverMessages } from './deliver-messages.ts';

const queueName = 'webhooks';
const jobName = 'deliver-changes';
/** How many receivers a worker sends to concurrently. */
const concurrency = 8;
/** How often to look for due retries, and for deliveries that other workers left unfinished. */
const dispatchIntervalMs = 1000;
/** The interval while there are no webhooks, and therefore the longest delay before a new one starts. */
const idleIntervalMs = 10_000;
const lockDuration = 10_000;
/** A killed worker is detected at the second check, after its lease has expired too. */
const stalledInterval = 5000;

interface Webhooks {
  /** Call it when the change feed was extended. Never throws. */
  dispatchSoon(): void;
}

/** @returns undefined without `WEBHOOK_KEY`, because messages could not be signed */
export function startWebhooks(deps: WorkerDeps, connection: RedisOptions): Webhooks | undefined {
  const { config, log, lifecycle, db } = deps;
  const { WEBHOOK_KEY: key, WEBHOOK_ALLOW_HTTP: allowHttp, WEBHOOK_ALLOW_PRIVATE: allowPrivate } = config;
  if (key === undefined) return undefined;
  const options = { connection, prefix: `{${config.QUEUE_PREFIX}-webhooks}` };
  const queue = new Queue<{ id: string }>(queueName, options);
  queue.on('error', (err) => log.debug({ err }, 'webhook queue error'));
  const delivery = { db, log, key, rules: { allowHttp, allowPrivate }, signal: lifecycle.signal };
  const worker = new Worker<{ id: string }>(queueName, ({ data: { id } }) => deliverMessages(delivery, id), {
    ...options,
    ...{ concurrency, lockDuration, stalledInterval, maxStalledCount: 1_000_000 },
    ...{ removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } },
  });
  worker.on('error', (err) => log.debug({ err }, 'webhook worker error'));
  worker.on('failed', (_job, err) => log.warn({ err }, 'webhook delivery failed'));
  const dispatch = createDispatcher(deps, queue);
  lifecycle.onStop('webhooks', async () => {
    await dispatch.close();
    await worker.close();
    await queue.close();
  });
  return { dispatchSoon: dispatch.soon };
}

/** Adds a job for each due receiver. Idempotent: a receiver's pending job has the same id. */
function createDispatcher({ db, log, lifecycle }: WorkerDeps, queue: Queue<{ id: string }>) {
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** @returns the delay until the next run, in ms */
  const run = async () => {
    try {
      const end = await createChangeFeedReader(db).readEnd();
      const active = await listActiveWebhooks(db, formatChangeCursor(end));
      const jobs = active
        .filter(({ isDue }) => isDue)
        .map(({ id }) => ({ name: jobName, data: { id }, opts: { jobId: id } }));
      if (jobs.length > 0) await queue.addBulk(jobs);
      return active.length > 0 ? dispatchIntervalMs : idleIntervalMs;
    } catch (err) {
      log.debug({ err }, 'webhook dispatch failed; retrying');
      return dispatchIntervalMs;
    }
  };
  const soon = () => {
    if (lifecycle.isStopping || running) return;
    clearTimeout(timer);
    running = run().then((delayMs) => {
      running = undefined;
      if (!lifecycle.isStopping) timer = setTimeout(soon, delayMs).unref();
    });
  };
  soon();
  return {
    soon,
    close: async () => {
      clearTimeout(timer);
      await running;
    },
  };
}
