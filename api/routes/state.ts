/** `GET /api/fields/:field`: the state, now or as it was, whole or in summary. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { joinText, type Split, type StateText } from '../../shared/cache/state-serializer.ts';
import { stateSchema, summarySchema } from '../../shared/contract/state.ts';
import type { Guard } from '../auth/field-auth.ts';
import type { App } from '../fastify-types.ts';
import { etagOf, matchesEtag } from '../http/etag.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { KnownVersions } from '../state/latest-versions.ts';
import type { Presence } from '../state/presence.ts';
import type { StateReader } from '../state/state-reader.ts';
import { bearer, fieldParams, problems, stateQuery } from './schemas.ts';

interface StateRoutesDeps {
  readonly guard: Guard;
  readonly states: StateReader;
  readonly presence: Presence;
  readonly versions: KnownVersions;
  readonly metrics: ApiMetrics;
}

export function addStateRoutes(app: App, { guard, states, presence, versions, metrics }: StateRoutesDeps): void {
  const send = createSend();
  app.get(
    '/api/fields/:field',
    {
      onRequest: guard,
      schema: {
        summary: 'Read the state',
        description:
          '`ETag` is the version. `x-cache` says where it came from. `?view=summary` leaves out particles and cells; ' +
          '`?at=VERSION` gives the state as it was, as far back as the log is kept.',
        tags: ['reading'],
        security: bearer,
        params: fieldParams,
        querystring: stateQuery,
        response: {
          200: z.union([stateSchema, summarySchema]),
          304: z.null().meta({ description: 'As you have it' }),
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const { field } = request.params;
      const { view, at } = request.query;
      if (at !== undefined) {
        reply.header('x-cache', 'bypass');
        return send(request, reply, { text: await states.readAt(field, at), view, activeNodes: 0 });
      }
      // Never fails, so it may be waited for after the other.
      const counting = presence.count(field);
      const { state, cache } = await states.read(field);
      metrics.reads.inc({ cache });
      versions.note(field, state.version);
      reply.header('x-cache', cache);
      return send(request, reply, { text: state.text, view, activeNodes: await counting });
    },
  );
}

interface Answer {
  readonly text: StateText;
  readonly view: 'full' | 'summary';
  readonly activeNodes: number;
}

/** The bytes as they are: their shape is `renderState`'s concern. */
function createSend() {
  const join = createJoin();
  return (request: FastifyRequest, reply: FastifyReply, { text, view, activeNodes }: Answer): FastifyReply => {
    const etag = etagOf(text.version);
    reply.header('etag', etag).header('cache-control', 'private, no-cache');
    if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send();
    const bytes = join(view === 'summary' ? text.summary : text.state, activeNodes);
    return reply.type('application/json; charset=utf-8').send(bytes);
  };
}

/** Puts texts together once for all who ask while neither the state nor the number of those present changes. */
function createJoin(): typeof joinText {
  const answers = new WeakMap<Split, { activeNodes: number; bytes: Buffer }>();
  return (text, activeNodes) => {
    const known = answers.get(text);
    if (known?.activeNodes === activeNodes) return known.bytes;
    const bytes = joinText(text, activeNodes);
    answers.set(text, { activeNodes, bytes });
    return bytes;
  };
}
