/** Baseline for the queue: BullMQ with the same Redis, jobs and number of jobs in flight, and a worker that does nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { ApplyUpdates } from '../../shared/contract/job.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { RpcProcess } from '../stack/rpc-process.ts';
import type { EmptyWorker } from './empty-worker.ts';

const prefix = '{bench-raw}';
const name = 'raw';
const channel = 'bench-raw-processed';
const jobOptions = { attempts: 1_000_000, backoff: { type: 'fixed', delay: 1000 } } as const;

export interface RawQueue {
  readonly workerPid: number;
  /** @returns the time until all jobs were processed, in ms */
  run(jobs: readonly ApplyUpdates[], inFlight: number): Promise<number>;
  /** Adds jobs at a constant rate. @returns the time until each was processed, in ms from when it was due */
  pace(make: () => ApplyUpdates, perSecond: number, seconds: number): Promise<number[]>;
  close(): Promise<void>;
}

export async function openRawQueue({ urls }: BenchStack): Promise<RawQueue> {
  const workerProcess = new RpcProcess<EmptyWorker>('empty worker', import.meta.resolve('./empty-worker.ts'));
  const queue = new Queue(name, { connection: { url: urls.queue }, prefix, defaultJobOptions: jobOptions });
  queue.on('error', () => undefined); // The add in progress is rejected with the same error.
  await workerProcess.call('start', { url: urls.queue, prefix, queue: name, channel });
  const subscriber = new Redis(urls.queue);
  await subscriber.subscribe(channel);
  return {
    workerPid: workerProcess.pid,
    async run(jobs, inFlight) {
      const startedAt = performance.now();
      const processed = workerProcess.call('process', jobs.length);
      let next = 0;
      await Promise.all(
        Array.from({ length: inFlight }, async () => {
          for (let job = jobs[next++]; job; job = jobs[next++]) await queue.add('apply-updates', job);
        }),
      );
      await processed;
      return performance.now() - startedAt;
    },
    async pace(make, perSecond, seconds) {
      const total = Math.round(perSecond * seconds);
      const dueAt = new Map<string, number>();
      const times: number[] = [];
      const onMessage = (_channel: string, id: string) => times.push(performance.now() - (dueAt.get(id) ?? Number.NaN));
      subscriber.on('message', onMessage);
      const startedAt = performance.now();
      const processed = workerProcess.call('process', total);
      for (let sent = 0; sent < total; await delay(1)) {
        const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond) + 1);
        for (; sent < due; sent++) {
          const id = `paced-${startedAt}-${sent}`;
          dueAt.set(id, startedAt + (1000 * sent) / perSecond);
          void queue.add('paced', make(), { jobId: id });
        }
      }
      await processed;
      await waitUntil('all processed jobs were published', () => times.length >= total);
      subscriber.off('message', onMessage);
      return times;
    },
    async close() {
      subscriber.disconnect();
      await workerProcess.stop();
      await queue.close();
    },
  };
}
