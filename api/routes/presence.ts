/** `GET /api/fields/:field/presence`: the devices that are present in a field, with the data that they show. */
import type { FastifyReply } from 'fastify';
import { presenceSchema } from '../../shared/contract/stream.ts';
import type { Guard } from '../auth/field-auth.ts';
import type { App } from '../fastify-types.ts';
import type { Presence } from '../presence/presence.ts';
import { bearer, fieldParams, presenceQuery, problems } from './schemas.ts';

interface PresenceRoutesDeps {
  readonly guard: Guard;
  readonly presence: Pick<Presence, 'describe'>;
}

export function addPresenceRoutes(app: App, { guard, presence }: PresenceRoutesDeps): void {
  app.get(
    '/api/fields/:field/presence',
    {
      onRequest: guard,
      schema: {
        operationId: 'listPresence',
        summary: 'List the present devices',
        description:
          'The present devices and the data that they show. Presence is not part of the state, and may be a second old.',
        tags: ['reading'],
        security: bearer,
        params: fieldParams,
        querystring: presenceQuery,
        response: { 200: presenceSchema, ...problems },
      },
    },
    async (request, reply) => {
      const text = await presence.describe(request.params.field, request.query.region);
      reply.header('cache-control', 'no-store');
      // The devices are encoded already. Typed responses would be encoded again.
      return (reply as FastifyReply).type('application/json; charset=utf-8').send(text);
    },
  );
}
