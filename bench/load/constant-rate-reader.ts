/** A process that reads the same thing at a steady rate, and knows how long each answer took. */
import { serve } from '../stack/rpc-process.ts';
import type { HttpLane } from './http-connection.ts';
import { openLanes, sendOver } from './open-loop.ts';

interface Reading {
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

const lanesCount = 8;
/** Who reads has been there for a while: a rush of new connections is waited for by whoever connects. */
const lanesTo = new Map<string, Promise<HttpLane[]>>();

const orders = {
  async read({ url, request, perSecond, seconds }: Reading): Promise<ReadTimes> {
    const times: number[] = [];
    let failed = 0;
    const lanes = lanesTo.get(url) ?? openLanes(url, lanesCount);
    lanesTo.set(url, lanes);
    await sendOver(await lanes, {
      perSecond,
      seconds,
      next: () => Buffer.from(request),
      onAnswer: ({ status }, dueAt) => {
        times.push(performance.now() - dueAt);
        if (status !== 200) failed += 1;
      },
    });
    return { times, failed };
  },
};

export type SteadyReader = typeof orders;

serve(orders);
