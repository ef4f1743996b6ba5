/** The limit of any worker here: BullMQ with the settings of ours, and jobs that do nothing. */
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { serveRpc } from '../stack/rpc-process.ts';

interface Settings {
  readonly url: string;
  readonly prefix: string;
  readonly queue: string;
  /** Where it says which jobs it has processed. */
  readonly channel: string;
}

let processed = 0;
let goal = { count: 0, reached: () => {} };

const handlers = {
  async start({ url, prefix, queue, channel }: Settings): Promise<void> {
    const redis = new Redis(url);
    const worker = new Worker(
      queue,
      async ({ name, id }) => {
        if (name === 'paced') await redis.publish(channel, id ?? '');
        processed += 1;
        if (processed === goal.count) setImmediate(goal.reached);
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
  /** Resolves once so many jobs were processed since the last call. */
  async process(count: number): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      goal = { count, reached: resolve };
    });
    if (processed < count) await reached;
    processed = 0;
  },
};

export type EmptyWorker = typeof handlers;
serveRpc(handlers);
