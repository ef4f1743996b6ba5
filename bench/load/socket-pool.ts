/** A process with thousands of WebSockets that watch a field, of which some move a cursor. Counts what they receive. */
import type { Socket } from 'node:net';
import { streamProtocol } from '../../shared/contract/wire.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { serveRpc } from '../stack/rpc-process.ts';
import { encodeTextFrame, openRawSocket } from './raw-websocket.ts';

export interface SocketOptions {
  readonly url: string;
  readonly token: string;
  /** The subprotocol of the stream; by default the one without compression. */
  readonly protocol?: string;
}

export interface Received {
  readonly messages: number;
  readonly bytes: number;
}

const openBatchSize = 200;
/** Moves of all cursors are spread over this many steps. */
const stepsPerMove = 10;
const sockets: Socket[] = [];
let messageCount = 0;
let closedCount = 0;
let mover: NodeJS.Timeout | undefined;

function move(socket: Socket, index: number, move: number): void {
  const position = { x: (index % 20) + (move % 100) / 100, y: Math.floor(index / 20) };
  const data = { position, name: `Visitor ${index}`, color: '#ff8800' };
  socket.write(encodeTextFrame(JSON.stringify({ type: 'presence', data })));
}

const handlers = {
  async open(all: readonly SocketOptions[]): Promise<void> {
    for (let start = 0; start < all.length; start += openBatchSize) {
      const batch = all.slice(start, start + openBatchSize).map(async ({ url, token, protocol = streamProtocol }) => {
        const events = { onMessage: () => (messageCount += 1), onClose: () => (closedCount += 1) };
        sockets.push(await openRawSocket(url, `${protocol}, bearer.${token}`, events));
      });
      await Promise.all(batch);
    }
  },
  /** Moves the cursors of the first sockets until `stop`. */
  move({ cursors, perSecond }: { readonly cursors: number; readonly perSecond: number }): void {
    let step = 0;
    mover = setInterval(
      () => {
        for (let index = step % stepsPerMove; index < cursors; index += stepsPerMove) {
          const socket = sockets[index];
          if (socket) move(socket, index, step);
        }
        step += 1;
      },
      1000 / (perSecond * stepsPerMove),
    );
  },
  stop(_: null): void {
    clearInterval(mover);
  },
  /** @throws if sockets were closed */
  count(_: null): Received {
    if (closedCount > 0) throw new Error(`${closedCount} sockets were closed`);
    return { messages: messageCount, bytes: sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0) };
  },
  async closeAll(_: null): Promise<void> {
    const target = closedCount + sockets.length;
    for (const socket of sockets.splice(0)) socket.destroy();
    await waitUntil('every socket is closed', () => closedCount >= target, { intervalMs: 5 });
    closedCount = 0;
    messageCount = 0;
  },
};

export type SocketPool = typeof handlers;
serveRpc(handlers);
