/**
 * An open loop: requests come due at a steady rate, whatever becomes of those before. Each device has one connection and
 * sends one after the other; what waits for its turn is counted from when it was due.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { HttpConnection, type HttpResponse } from './http-connection.ts';

interface LoadOptions {
  readonly perSecond: number;
  readonly seconds: number;
  /** The request that a device sends next; `dueAt` as of `performance.now()`. */
  readonly next: (device: number, dueAt: number) => Buffer;
  readonly onResponse: (response: HttpResponse, dueAt: number, device: number) => void;
}

interface OpenLoopOptions extends LoadOptions {
  readonly url: string;
  readonly devices: number;
}

export async function runOpenLoop({ url, devices, ...load }: OpenLoopOptions): Promise<void> {
  const connections = await openConnections(url, devices);
  await sendAtRate(connections, load);
  for (const connection of connections) connection.close();
}

export function openConnections(url: string, count: number): Promise<HttpConnection[]> {
  return Promise.all(Array.from({ length: count }, () => HttpConnection.open(url)));
}

/** A device for each connection; they stay open. */
export async function sendAtRate(
  connections: readonly HttpConnection[],
  { perSecond, seconds, next, onResponse }: LoadOptions,
): Promise<void> {
  const pendingByDevice = connections.map(() => Promise.resolve());
  const total = Math.round(perSecond * seconds);
  const startedAt = performance.now();
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond) + 1);
    for (; sent < due; sent++) {
      const device = sent % connections.length;
      const connection = connections[device];
      const dueAt = startedAt + (1000 * sent) / perSecond;
      pendingByDevice[device] = (pendingByDevice[device] ?? Promise.resolve()).then(async () => {
        if (connection) onResponse(await connection.send(next(device, dueAt)), dueAt, device);
      });
    }
    await delay(1);
  }
  await Promise.all(pendingByDevice);
}
