/**
 * Closes HTTP connections as they become idle while the process stops. Otherwise a client's kept-alive connection would keep
 * the server open for over a minute. Streams and waiting requests are ended by the lifecycle before.
 */
import type { Socket } from 'node:net';
import type { App } from '../fastify-types.ts';

const closeIdleIntervalMs = 100;

interface GracefulShutdownDeps {
  readonly isStopping: () => boolean;
}

export function addGracefulShutdown(app: App, { isStopping }: GracefulShutdownDeps): void {
  const unusedSockets = trackUnusedSockets(app);
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isStopping()) reply.header('connection', 'close');
    done();
  });
  app.addHook('preClose', async () => {
    const timer = setInterval(() => {
      app.server.closeIdleConnections();
      for (const socket of unusedSockets) socket.destroy();
    }, closeIdleIntervalMs);
    timer.unref();
    app.server.once('close', () => clearInterval(timer));
  });
}

/**
 * Connections without a request so far, as browsers open them in advance. Node does not count them as idle, and would wait
 * for their first request until it times out.
 */
function trackUnusedSockets(app: App): ReadonlySet<Socket> {
  const unusedSockets = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    unusedSockets.add(socket);
    socket.once('close', () => unusedSockets.delete(socket));
  });
  app.server.on('request', ({ socket }) => unusedSockets.delete(socket));
  app.server.on('upgrade', ({ socket }) => unusedSockets.delete(socket));
  return unusedSockets;
}
