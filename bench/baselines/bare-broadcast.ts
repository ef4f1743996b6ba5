/** The limit of any fan-out here: `ws` as it comes, which sends what is published on a channel to every socket. */
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';
import { parseChangeMessage } from '../../shared/cache/change-message.ts';
import { serveRpc } from '../stack/rpc-process.ts';

interface Settings {
  readonly cacheUrl: string;
  readonly channel: string;
  /** Sent to every socket as it comes. */
  readonly greeting: Uint8Array;
}

const handlers = {
  /** @returns its address */
  async listen({ cacheUrl, channel, greeting }: Settings): Promise<string> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
    const hello = Buffer.from(greeting);
    server.on('connection', (socket) => {
      socket.on('error', () => socket.terminate());
      socket.send(hello, { binary: false });
    });
    const redis = new Redis(cacheUrl);
    redis.on('message', (_channel: string, message: string) => {
      const text = Buffer.from(parseChangeMessage(message).delta);
      for (const socket of server.clients) socket.send(text, { binary: false });
    });
    await redis.subscribe(channel);
    const address = server.address();
    return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
  },
};

export type BareBroadcast = typeof handlers;
serveRpc(handlers);
