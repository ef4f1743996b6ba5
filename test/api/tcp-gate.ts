/** A TCP relay that a test can cut: the server behind it seems to be gone, and comes back when the gate is opened. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Test } from 'tap';

export interface TcpGate {
  readonly port: number;
  /** Ends all connections and refuses new ones. */
  cut(): Promise<void>;
  open(): Promise<void>;
}

export async function withTcpGate(t: Test, to: { host: string; port: number }): Promise<TcpGate> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;

  const relay = (client: Socket): void => {
    const upstream = connect(to);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  };
  const gate = {
    get port() {
      return port;
    },
    async cut() {
      const closing = server;
      server = undefined;
      const closed = new Promise<void>((resolve) => (closing ? closing.close(() => resolve()) : resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async open() {
      const opening = createServer(relay);
      server = opening;
      await new Promise<void>((resolve) => opening.listen(port, '127.0.0.1', resolve));
      const address = opening.address();
      if (typeof address === 'object' && address) port = address.port;
    },
  };
  await gate.open();
  t.teardown(() => gate.cut());
  return gate;
}
