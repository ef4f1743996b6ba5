/** A TCP relay that a test can cut and open again, to simulate an outage of the server behind it. */
import { connect, createServer, type Socket } from 'node:net';
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
}

export async function withTcpGate(t: Test, to: { host: string; port: number }): Promise<TcpGate> {
  const sockets = new Set<Socket>();
  let isOpen = true;
  let refused = 0;

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
    client.pipe(upstream).pipe(client);
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
  };
  t.teardown(async () => {
    gate.cut();
    await new Promise((resolve) => server.close(resolve));
  });
  return gate;
}
