/** A process that sends the same read at a constant rate and measures the response times. */
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
  /** Response time of each read in ms, from when it was due. */
  readonly times: readonly number[];
  /** Responses with a status other than 200. */
  readonly failed: number;
}

const connectionCount = 8;
/** Connections are reused between reads, so that connecting during overload is not measured. */
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
