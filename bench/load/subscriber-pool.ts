/** A process with thousands of WebSocket subscribers that records when each delta arrives at each of them. */
import type { Socket } from 'node:net';
import { waitUntil } from '../../test/support/wait-until.ts';
import { percentile } from '../measure/statistics.ts';
import { serveRpc } from '../stack/rpc-process.ts';
import { openRawSocket } from './raw-websocket.ts';

interface SubscribeOptions {
  readonly url: string;
  readonly protocols: string;
  readonly count: number;
}

export interface Delivery {
  /** Over all subscribers and deltas, in ms since publication. */
  readonly p50: number;
  readonly p99: number;
  /** Over all deltas, in ms until the last subscriber received it. */
  readonly lastP50: number;
  readonly lastP99: number;
  readonly deltas: number;
}

const openBatchSize = 200;
const sockets: Socket[] = [];
const arrivals = new Map<number, number[]>();
let snapshotCount = 0;
let closedCount = 0;

/** Monotonic time in ms, comparable between processes of a machine. */
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
  /** Opens sockets in batches. */
  async subscribe({ url, protocols, count }: SubscribeOptions): Promise<void> {
    for (let opened = 0; opened < count; opened += openBatchSize) {
      const batch = Math.min(openBatchSize, count - opened);
      await Promise.all(Array.from({ length: batch }, () => openSubscriber(url, protocols)));
    }
  },
  /** Opens all sockets at the same time. @returns the time until each has its first message, in ms */
  async reconnectStorm({ url, protocols, count }: SubscribeOptions): Promise<number> {
    const startedAt = now();
    const target = snapshotCount + count;
    await Promise.all(Array.from({ length: count }, () => openSubscriber(url, protocols)));
    await waitUntil('every subscriber has its snapshot', () => snapshotCount >= target, { intervalMs: 1 });
    return now() - startedAt;
  },
  /** Discards the recorded arrivals. */
  clear(_: null): void {
    arrivals.clear();
  },
  /** @throws if a published delta has not reached every subscriber within `timeoutMs` */
  async report({
    published,
    timeoutMs,
  }: {
    published: readonly (readonly [number, number])[];
    timeoutMs: number;
  }): Promise<Delivery> {
    const countMissing = () => published.filter(([to]) => arrivals.get(to)?.length !== sockets.length).length;
    await waitUntil('every delta has reached every subscriber', () => countMissing() === 0, { timeoutMs }).catch(
      (cause) => {
        throw new Error(
          `${countMissing()} of ${published.length} deltas did not reach all ${sockets.length} subscribers; ${closedCount} sockets were closed`,
          { cause },
        );
      },
    );
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
    const target = closedCount + sockets.length;
    for (const socket of sockets.splice(0)) socket.destroy();
    await waitUntil('every socket is closed', () => closedCount >= target, { intervalMs: 5 });
    arrivals.clear();
  },
};

export type SubscriberPool = typeof handlers;
serveRpc(handlers);
