/** A process that reads the same thing at a steady rate, and knows how long each answer took. */
import { serveRpc } from '../stack/rpc-process.ts';
import type { HttpConnection } from './http-connection.ts';
import { openConnections, sendAtRate } from './open-loop.ts';

interface ReadOptions {
  readonly url: string;
  readonly request: Buffer;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface ReadTimes {
  /** Of each read, in ms, from when it was due. */
  readonly times: readonly number[];
  /** Answers that were not 200. */
  readonly failed: number;
}

const connectionCount = 8;
/** Who reads has been there for a while: a rush of new connections is waited for by whoever connects. */
const connectionsByUrl = new Map<string, Promise<HttpConnection[]>>();

const handlers = {
  async read({ url, request, perSecond, seconds }: ReadOptions): Promise<ReadTimes> {
    const times: number[] = [];
    let failed = 0;
    const connections = connectionsByUrl.get(url) ?? openConnections(url, connectionCount);
    connectionsByUrl.set(url, connections);
    await sendAtRate(await connections, {
      perSecond,
      seconds,
      next: () => Buffer.from(request),
      onResponse: ({ status }, dueAt) => {
        times.push(performance.now() - dueAt);
        if (status !== 200) failed += 1;
      },
    });
    return { times, failed };
  },
};

export type ConstantRateReader = typeof handlers;

serveRpc(handlers);
