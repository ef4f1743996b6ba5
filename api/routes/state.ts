/** `GET /api/fields/:field`: the current or an earlier state, in full or as a summary. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { serializeState, summarizeState } from '../../shared/cache/state-serializer.ts';
import { stateSchema, summarySchema } from '../../shared/contract/state.ts';
import type { Region } from '../../shared/field/math/region.ts';
import type { Guard } from '../auth/field-auth.ts';
import type { App } from '../fastify-types.ts';
import { acceptsGzip } from '../http/accepts-gzip.ts';
import { formatEtag, matchesEtag } from '../http/etag.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { Presence } from '../presence/presence.ts';
import { GzippedStates } from '../state/gzipped-states.ts';
import type { LatestVersions } from '../state/latest-versions.ts';
import type { LoadedState } from '../state/loading/loaded-state.ts';
import type { PastStates } from '../state/past-states.ts';
import type { StateReader } from '../state/state-reader.ts';
import { clipState } from '../streaming/regions/clip-state.ts';
import { bearer, fieldParams, problems, stateQuery } from './schemas.ts';

interface StateRoutesDeps {
  readonly guard: Guard;
  readonly states: StateReader;
  readonly pastStates: PastStates;
  readonly presence: Pick<Presence, 'count'>;
  readonly versions: LatestVersions;
  readonly metrics: ApiMetrics;
}

export function addStateRoutes(
  app: App,
  { guard, states, pastStates, presence, versions, metrics }: StateRoutesDeps,
): void {
  const gzippedStates = new GzippedStates();
  app.get(
    '/api/fields/:field',
    {
      onRequest: guard,
      schema: {
        operationId: 'readState',
        summary: 'Read the state',
        description:
          '`ETag` is the cursor, `x-cache` the cache result. `?view=summary` omits particles and cells; ' +
          '`?region=` returns a part of the field; `?at=VERSION` returns an earlier state, as far back as the log is kept, unless it is too far from a snapshot.',
        tags: ['reading'],
        security: bearer,
        params: fieldParams,
        querystring: stateQuery,
        response: {
          200: z.union([stateSchema, summarySchema]),
          304: z.null().meta({ description: 'Not modified' }),
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const { field } = request.params;
      const { view, at, region } = request.query;
      if (at !== undefined) {
        reply.header('x-cache', 'bypass');
        return send(request, reply, { state: await pastStates.read(field, at), view, region, gzippedStates });
      }
      // Never rejects, so it can be awaited after the read.
      const activeNodes = view === 'summary' ? presence.count(field) : undefined;
      const { state, cache } = await states.read(field);
      metrics.reads.inc({ cache });
      versions.observe(field, state.version);
      reply.header('x-cache', cache);
      return send(request, reply, { state, view, region, activeNodes: await activeNodes, gzippedStates });
    },
  );
}

interface StateResponse {
  readonly state: LoadedState;
  readonly view: 'full' | 'summary';
  readonly region: Region | undefined;
  readonly activeNodes?: number | undefined;
  readonly gzippedStates: GzippedStates;
}

/** Sends the serialized bytes of a state. A part has the same ETag as the whole, which is valid because its URL differs. */
async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  { state, view, region, activeNodes, gzippedStates }: StateResponse,
): Promise<FastifyReply> {
  const etag = formatEtag(state.cursor);
  const vary = [reply.getHeader('vary'), 'accept-encoding'].flatMap((value) => value ?? []).join(', ');
  reply.header('etag', etag).header('cache-control', 'private, no-cache').header('vary', vary);
  if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send();
  reply.type('application/json; charset=utf-8');
  const gzipped = view === 'full' && !region && acceptsGzip(request) ? await gzippedStates.get(state) : undefined;
  if (gzipped) return reply.header('content-encoding', 'gzip').send(gzipped);
  return reply.send(renderState({ state, view, region, activeNodes }));
}

function renderState({
  state: { fragments, serialized },
  view,
  region,
  activeNodes,
}: Omit<StateResponse, 'gzippedStates'>): string | Buffer {
  if (view === 'summary') return JSON.stringify({ ...summarizeState(fragments), activeNodes });
  return region ? serializeState(clipState(fragments, region)) : serialized;
}
