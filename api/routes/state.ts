/** `GET /api/fields/:field`: the state, now or as it was, whole or in summary. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { stateSchema, summarySchema } from '../../shared/contract/state.ts';
import { joinText, type Split, type StateText } from '../../shared/state-text.ts';
import type { App } from '../app-types.ts';
import type { Guard } from '../auth.ts';
import { etagOf, matchesEtag } from '../etag.ts';
import type { KnownVersions } from '../known-versions.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { Presence } from '../presence.ts';
import type { StateReader } from '../state-reader.ts';
import { bearer, fieldParams, problems, stateQuery } from './schemas.ts';

interface StateRoutesDeps {
  readonly guard: Guard;
  readonly states: StateReader;
  readonly presence: Presence;
  readonly versions: KnownVersions;
  readonly metrics: ApiMetrics;
}

export function addStateRoutes(app: App, { guard, states, presence, versions, metrics }: StateRoutesDeps): void {
  const join = createJoin();
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
      const send = (text: StateText, activeNodes: number) =>
        sendState(request, reply, text.version, () =>
          join(view === 'summary' ? text.summary : text.state, activeNodes),
        );
      if (at !== undefined) {
        reply.header('x-cache', 'bypass');
        return send(await states.readAt(field, at), 0);
      }
      const [{ state, cache }, activeNodes] = await Promise.all([states.read(field), presence.count(field)]);
      metrics.reads.inc({ cache });
      versions.note(field, state.version);
      reply.header('x-cache', cache);
      return send(state.text, activeNodes);
    },
  );
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

/** The bytes as they are: their shape is `renderState`'s concern. */
function sendState(request: FastifyRequest, reply: FastifyReply, version: number, render: () => Buffer): FastifyReply {
  const etag = etagOf(version);
  reply.header('etag', etag).header('cache-control', 'private, no-cache');
  if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send();
  return reply.type('application/json; charset=utf-8').send(render());
}
