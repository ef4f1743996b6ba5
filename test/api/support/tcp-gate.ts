/** A TCP relay that a test can cut and open again, to simulate an outage of the server behind it. */
import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import type { Test } from 'tap';

export interface TcpGate {
  readonly port: number;
  /** How many connections were refused. */
  readonly refused: number;
  /** Ends all connections and refuses new ones. */
  cut(): void;
  /** Stops relaying on existing connections without ending them. */
  blackhole(): void;
  open(): void;
  /** Limits what reaches each client from now on. */
  throttle(bytesPerSecond: number): void;
}

/** Passes on at most so many bytes a second. */
function createThrottle(bytesPerSecond: () => number): Transform {
  return new Transform({
    // A pipe of the kernel holds some hundred kilobytes; a slow link does not.
    highWaterMark: 4096,
    transform(chunk: Buffer, _encoding, done) {
      const rate = bytesPerSecond();
      if (rate === Number.POSITIVE_INFINITY) return done(null, chunk);
      setTimeout(() => done(null, chunk), (1000 * chunk.length) / rate);
    },
  });
}

export async function withTcpGate(t: Test, to: { host: string; port: number }): Promise<TcpGate> {
  const sockets = new Set<Socket>();
  let isOpen = true;
  let refused = 0;
  let rate = Number.POSITIVE_INFINITY;

  const server = createServer((client) => {
    client.on('error', () => undefined);
    if (!isOpen) {
      refused += 1;
      client.destroy();
      return;
    }
    const upstream = connect(to);
    upstream.on('error', () => undefined);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client
      .pipe(upstream)
      .pipe(createThrottle(() => rate))
      .pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const gate = {
    port: typeof address === 'object' && address ? address.port : 0,
    get refused() {
      return refused;
    },
    cut() {
      isOpen = false;
      for (const socket of sockets) socket.destroy();
    },
    blackhole() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    open() {
      isOpen = true;
    },
    throttle(bytesPerSecond: number) {
      rate = bytesPerSecond;
    },
  };
  t.teardown(async () => {
    gate.cut();
    await new Promise((resolve) => server.close(resolve));
  });
  return gate;
}
