/** A process that holds thousands of reading WebSockets, and knows when each delta reached each of them. */
import type { Socket } from 'node:net';
import { percentile } from '../measure/statistics.ts';
import { serveRpc } from '../stack/rpc-process.ts';
import { openRawSocket } from './raw-websocket.ts';

interface SubscribeOptions {
  readonly url: string;
  readonly protocols: string;
  readonly count: number;
}

export interface Delivery {
  /** Over every watcher and delta, in ms since it was published. */
  readonly p50: number;
  readonly p99: number;
  /** Over every delta, until the last watcher had it. */
  readonly lastP50: number;
  readonly lastP99: number;
  readonly deltas: number;
}

const openBatchSize = 200;
const sockets: Socket[] = [];
const arrivals = new Map<number, number[]>();
let snapshotCount = 0;
let closedCount = 0;

/** On a clock that all processes of a machine share. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

async function openSubscriber(url: string, protocols: string): Promise<void> {
  let isFirst = true;
  const onMessage = (to: number | undefined) => {
    if (isFirst) snapshotCount += 1;
    isFirst = false;
    if (to === undefined) return;
    const times = arrivals.get(to);
    if (times) times.push(now());
    else arrivals.set(to, [now()]);
  };
  sockets.push(await openRawSocket(url, protocols, { onMessage, onClose: () => (closedCount += 1) }));
}

const handlers = {
  /** Opens sockets, so many at once. */
  async subscribe({ url, protocols, count }: SubscribeOptions): Promise<void> {
    for (let opened = 0; opened < count; opened += openBatchSize) {
      const batch = Math.min(openBatchSize, count - opened);
      await Promise.all(Array.from({ length: batch }, () => openSubscriber(url, protocols)));
    }
  },
  /** Opens them all at the same moment. @returns how long until each has its first message, in ms */
  async reconnectStorm({ url, protocols, count }: SubscribeOptions): Promise<number> {
    const startedAt = now();
    const goal = snapshotCount + count;
    await Promise.all(Array.from({ length: count }, () => openSubscriber(url, protocols)));
    while (snapshotCount < goal) await new Promise((resolve) => setTimeout(resolve, 1));
    return now() - startedAt;
  },
  /** Forgets what came so far. */
  clear(_: null): void {
    arrivals.clear();
  },
  /** @throws when a delta that was published has not reached everybody */
  async report({
    published,
    timeoutMs,
  }: {
    published: readonly (readonly [number, number])[];
    timeoutMs: number;
  }): Promise<Delivery> {
    const deadline = now() + timeoutMs;
    const isComplete = () => published.every(([to]) => arrivals.get(to)?.length === sockets.length);
    while (!isComplete() && now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    if (!isComplete()) {
      const missing = published.filter(([to]) => arrivals.get(to)?.length !== sockets.length).length;
      throw new Error(
        `${missing} of ${published.length} deltas did not reach all ${sockets.length}; ${closedCount} were closed`,
      );
    }
    const all = published.flatMap(([to, at]) => (arrivals.get(to) ?? []).map((time) => time - at));
    const last = published.map(([to, at]) => (arrivals.get(to)?.at(-1) ?? Number.NaN) - at);
    return {
      p50: percentile(all, 0.5),
      p99: percentile(all, 0.99),
      lastP50: percentile(last, 0.5),
      lastP99: percentile(last, 0.99),
      deltas: published.length,
    };
  },
  async unsubscribeAll(_: null): Promise<void> {
    const goal = closedCount + sockets.length;
    for (const socket of sockets.splice(0)) socket.destroy();
    while (closedCount < goal) await new Promise((resolve) => setTimeout(resolve, 5));
    arrivals.clear();
  },
};

export type SubscriberPool = typeof handlers;
serveRpc(handlers);
