/**
 * How the HTTP side stops: streams are sent elsewhere, who waits is answered, and connections are closed as they fall
 * idle. Without the last, a client's kept-alive connection holds the process for over a minute.
 */
import type { Socket } from 'node:net';
import type { App } from '../fastify-types.ts';
import type { OpenStreams } from '../streaming/transports/stream-registry.ts';
import type { Replies } from '../updates/pending-replies.ts';

const closeIdleEveryMs = 100;

interface DrainOptions {
  readonly streams: OpenStreams;
  readonly replies: Replies;
}

export function addDrain(app: App, { streams, replies }: DrainOptions): void {
  const silent = trackSilentConnections(app);
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (streams.isDraining) reply.header('connection', 'close');
    done();
  });
  app.addHook('preClose', async () => {
    const timer = setInterval(() => {
      app.server.closeIdleConnections();
      for (const socket of silent) socket.destroy();
    }, closeIdleEveryMs);
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
function trackSilentConnections(app: App): ReadonlySet<Socket> {
  const silent = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  app.server.on('request', ({ socket }) => silent.delete(socket));
  app.server.on('upgrade', ({ socket }) => silent.delete(socket));
  return silent;
}
