/**
 * A TCP proxy between one process and one server, through which faults are injected. `silent` simulates half-open
 * connections, as after a firewall change or a host failure: data is accepted and dropped, permanently for a connection.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export type LinkMode = 'pass' | 'refuse' | 'silent';

export class TcpLink {
  readonly from: string;
  readonly to: string;
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #server: Server;
  #mode: LinkMode = 'pass';
  #port = 0;

  constructor(from: string, to: string, targetPort: number) {
    this.from = from;
    this.to = to;
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#accept(client));
  }

  get port(): number {
    return this.#port;
  }

  /** Number of connections to the server, silent ones included. */
  get connections(): number {
    return this.#pairs.size;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    this.#port = address !== null && typeof address === 'object' ? address.port : 0;
  }

  setMode(mode: LinkMode): void {
    this.#mode = mode;
    if (mode === 'refuse') this.cut();
    if (mode === 'silent') for (const pair of this.#pairs) blackhole(pair);
  }

  /** Resets all current connections. The mode applies to new ones. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    this.#track(client);
    if (this.#mode === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    if (this.#mode === 'silent') {
      client.resume();
      return;
    }
    const upstream = connect({ host: '127.0.0.1', port: this.#targetPort, noDelay: true });
    this.#track(upstream);
    client.setNoDelay(true);
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    client.on('close', () => {
      this.#pairs.delete(pair);
      upstream.destroy();
    });
    upstream.on('close', () => client.destroy());
    client.pipe(upstream).pipe(client);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined); // `close` follows.
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

/** Reads and discards the data, so that the close of either side is still detected. */
function blackhole([client, upstream]: readonly [Socket, Socket]): void {
  client.unpipe(upstream);
  upstream.unpipe(client);
  client.resume();
  upstream.resume();
}
