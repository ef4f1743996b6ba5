/** Baseline for the API: the same route and schema on the same framework; validates the body and responds. */
import Fastify from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { createUpdatesSchema } from '../../shared/contract/update.ts';
import { serveRpc } from '../stack/rpc-process.ts';

const handlers = {
  /** @returns the server's address */
  async listen(_: null): Promise<string> {
    const app = Fastify({ bodyLimit: 1024 * 1024 }).withTypeProvider<ZodTypeProvider>();
    app.setValidatorCompiler(validatorCompiler);
    const body = z.strictObject({ updates: createUpdatesSchema(30) });
    app.post('/api/fields/:field/updates', { schema: { body } }, async (request, reply) =>
      reply.code(202).send({ accepted: request.body.updates.length, serverTime: Date.now() }),
    );
    return app.listen({ host: '127.0.0.1', port: 0 });
  },
};

export type NoopApi = typeof handlers;
serveRpc(handlers);
