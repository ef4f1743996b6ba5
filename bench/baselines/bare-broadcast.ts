/** Baseline for fan-out: plain `ws` that sends every message of a Redis channel to all sockets. */
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';
import { parseChangeMessage } from '../../shared/cache/change-message.ts';
import { serveRpc } from '../stack/rpc-process.ts';

interface BroadcastOptions {
  readonly cacheUrl: string;
  readonly channel: string;
  /** Sent to every new socket. */
  readonly snapshot: Uint8Array;
}

const handlers = {
  /** @returns the server's address */
  async listen({ cacheUrl, channel, snapshot }: BroadcastOptions): Promise<string> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
    const firstMessage = Buffer.from(snapshot);
    server.on('connection', (socket) => {
      socket.on('error', () => socket.terminate());
      socket.send(firstMessage, { binary: false });
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
