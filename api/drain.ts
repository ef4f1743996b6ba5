/**
 * How the HTTP side stops: streams are sent elsewhere, who waits is answered, and connections are closed as they fall
 * idle. Without the last, a client's kept-alive connection holds the process for over a minute.
 */
import type { App } from './app-types.ts';
import type { Replies } from './replies.ts';
import type { OpenStreams } from './stream/open-streams.ts';

const closeIdleEveryMs = 100;

interface DrainOptions {
  readonly streams: OpenStreams;
  readonly replies: Replies;
}

export function addDrain(app: App, { streams, replies }: DrainOptions): void {
  app.addHook('onSend', async (_request, reply) => {
    if (streams.isDraining) reply.header('connection', 'close');
  });
  app.addHook('preClose', async () => {
    const timer = setInterval(() => app.server.closeIdleConnections(), closeIdleEveryMs);
    app.server.once('close', () => clearInterval(timer));
    timer.unref();
    replies.close();
    await streams.drain();
  });
}
