/** A closed-loop load generator: each connection sends its next request when it has received the previous response. */
import { HttpConnection } from './http-connection.ts';

interface ClosedLoopOptions {
  readonly urls: readonly string[];
  readonly connections: number;
  /** Total over all connections. */
  readonly requests: number;
  /** The next request of a connection; `requestIndex` counts the requests of that connection. */
  readonly next: (connectionIndex: number, requestIndex: number) => Buffer;
  /** The expected status. */
  readonly expects: number;
}

/** @returns the duration in ms. @throws if a response has another status */
export async function runClosedLoop({
  urls,
  connections,
  requests,
  next,
  expects,
}: ClosedLoopOptions): Promise<number> {
  const openConnections = await Promise.all(
    Array.from({ length: connections }, (_, index) => HttpConnection.open(urls[index % urls.length] ?? '')),
  );
  let remaining = requests;
  const startedAt = performance.now();
  try {
    await Promise.all(
      openConnections.map(async (connection, connectionIndex) => {
        for (let requestIndex = 0; remaining > 0; requestIndex++) {
          remaining -= 1;
          const { status, body } = await connection.send(next(connectionIndex, requestIndex));
          if (status !== expects) throw new Error(`unexpected status ${status}: ${body.toString('utf8', 0, 300)}`);
        }
      }),
    );
    return performance.now() - startedAt;
  } finally {
    for (const connection of openConnections) connection.close();
  }
}
