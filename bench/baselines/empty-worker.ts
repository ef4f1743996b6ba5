/** Baseline for workers: BullMQ with the same settings and jobs that do nothing. */
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { serveRpc } from '../stack/rpc-process.ts';

interface EmptyWorkerOptions {
  readonly url: string;
  readonly prefix: string;
  readonly queue: string;
  /** The Redis channel on which processed job ids are published. */
  readonly channel: string;
}

let processed = 0;
let target = { count: 0, reached: () => {} };

const handlers = {
  async start({ url, prefix, queue, channel }: EmptyWorkerOptions): Promise<void> {
    const redis = new Redis(url);
    const worker = new Worker(
      queue,
      async ({ name, id }) => {
        if (name === 'paced') await redis.publish(channel, id ?? '');
        processed += 1;
        if (processed === target.count) setImmediate(target.reached);
        return { version: processed };
      },
      {
        connection: { url, maxRetriesPerRequest: null },
        prefix,
        concurrency: 500,
        lockDuration: 10_000,
        stalledInterval: 5000,
        removeOnComplete: { count: 1000, age: 3600 },
      },
    );
    worker.on('error', (error) => console.error(error.message));
    await worker.waitUntilReady();
  },
  /** Resolves when `count` jobs have been processed since the last call. */
  async process(count: number): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      target = { count, reached: resolve };
    });
    if (processed < count) await reached;
    processed = 0;
  },
};

export type EmptyWorker = typeof handlers;
serveRpc(handlers);
