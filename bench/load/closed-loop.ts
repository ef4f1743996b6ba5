/** A closed loop: so many connections, each sending its next request as soon as the last is answered. */
import { HttpConnection } from './http-connection.ts';

interface ClosedLoopOptions {
  readonly urls: readonly string[];
  readonly connections: number;
  /** In all, over all lanes. */
  readonly requests: number;
  /** The request that a lane sends next; `turn` counts the lane's own. */
  readonly next: (connectionIndex: number, requestIndex: number) => Buffer;
  readonly expects: number;
}

/** @returns how long it took, in ms. @throws when an answer has another status. */
export async function runClosedLoop({
  urls,
  connections,
  requests,
  next,
  expects,
}: ClosedLoopOptions): Promise<number> {
  const openConnections = await Promise.all(
    Array.from({ length: connections }, (_, lane) => HttpConnection.open(urls[lane % urls.length] ?? '')),
  );
  let remaining = requests;
  const startedAt = performance.now();
  try {
    await Promise.all(
      openConnections.map(async (connection, connectionIndex) => {
        for (let requestIndex = 0; remaining > 0; requestIndex++) {
          remaining -= 1;
          const { status, body } = await connection.send(next(connectionIndex, requestIndex));
          if (status !== expects) throw new Error(`answered ${status}: ${body.toString('utf8', 0, 300)}`);
        }
      }),
    );
    return performance.now() - startedAt;
  } finally {
    for (const connection of openConnections) connection.close();
  }
}
