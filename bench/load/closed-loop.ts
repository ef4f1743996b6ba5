/** A closed loop: so many connections, each sending its next request as soon as the last is answered. */
import { HttpLane } from './http-connection.ts';

interface Loop {
  readonly urls: readonly string[];
  readonly lanes: number;
  /** In all, over all lanes. */
  readonly requests: number;
  /** The request that a lane sends next; `turn` counts the lane's own. */
  readonly next: (lane: number, turn: number) => Buffer;
  readonly expects: number;
}

/** @returns how long it took, in ms. @throws when an answer has another status. */
export async function runClosedLoop({ urls, lanes, requests, next, expects }: Loop): Promise<number> {
  const open = await Promise.all(
    Array.from({ length: lanes }, (_, lane) => HttpLane.open(urls[lane % urls.length] ?? '')),
  );
  let left = requests;
  const startedAt = performance.now();
  try {
    await Promise.all(
      open.map(async (connection, lane) => {
        for (let turn = 0; left > 0; turn++) {
          left -= 1;
          const { status, body } = await connection.send(next(lane, turn));
          if (status !== expects) throw new Error(`answered ${status}: ${body.toString('utf8', 0, 300)}`);
        }
      }),
    );
    return performance.now() - startedAt;
  } finally {
    for (const connection of open) connection.close();
  }
}
