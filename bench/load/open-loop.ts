/**
 * An open-loop load generator: requests become due at a constant rate, independent of responses. Each device has one
 * connection with one request in flight; latency is measured from the due time (no coordinated omission).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { HttpConnection, type HttpResponse } from './http-connection.ts';

interface LoadOptions {
  readonly perSecond: number;
  readonly seconds: number;
  /** The next request of a device; `dueAt` is a `performance.now()` time. */
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

/** Sends with one device per connection. The connections stay open. */
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
