/**
 * How the HTTP side stops: streams are sent elsewhere, who waits is answered, and connections are closed as they fall
 * idle. Without the last, a client's kept-alive connection holds the process for over a minute.
 */
import type { Socket } from 'node:net';
import type { App } from '../fastify-types.ts';
import type { StreamRegistry } from '../streaming/transports/stream-registry.ts';
import type { PendingReplies } from '../updates/pending-replies.ts';

const closeIdleIntervalMs = 100;

interface GracefulShutdownDeps {
  readonly streams: StreamRegistry;
  readonly replies: PendingReplies;
}

export function addGracefulShutdown(app: App, { streams, replies }: GracefulShutdownDeps): void {
  const idleSockets = trackIdleSockets(app);
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (streams.isDraining) reply.header('connection', 'close');
    done();
  });
  app.addHook('preClose', async () => {
    const timer = setInterval(() => {
      app.server.closeIdleConnections();
      for (const socket of idleSockets) socket.destroy();
    }, closeIdleIntervalMs);
    app.server.once('close', () => clearInterval(timer));
    timer.unref();
    replies.close();
    await streams.drain();
  });
}

/**
 * Connections that have not asked for anything yet, as browsers open them in advance. Node does not count them as idle,
 * and would wait for their first request until it times out.
 */
function trackIdleSockets(app: App): ReadonlySet<Socket> {
  const idleSockets = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    idleSockets.add(socket);
    socket.once('close', () => idleSockets.delete(socket));
  });
  app.server.on('request', ({ socket }) => idleSockets.delete(socket));
  app.server.on('upgrade', ({ socket }) => idleSockets.delete(socket));
  return idleSockets;
}
