/** Baseline for reads: the same framework, which responds with constant bytes. */
import Fastify from 'fastify';
import { serveRpc } from '../stack/rpc-process.ts';

const handlers = {
  /** @returns the server's address; the bodies are served at `/0`, `/1`, … */
  async listen(bodies: readonly Uint8Array[]): Promise<string> {
    const app = Fastify();
    for (const [index, body] of bodies.entries()) {
      const bytes = Buffer.from(body);
      app.get(`/${index}`, (_request, reply) => reply.type('application/json; charset=utf-8').send(bytes));
    }
    app.get('/unchanged', (_request, reply) => reply.code(304).send());
    return app.listen({ host: '127.0.0.1', port: 0 });
  },
};

export type ConstantApi = typeof handlers;
serveRpc(handlers);
