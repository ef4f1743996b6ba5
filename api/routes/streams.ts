/** `GET /api/fields/:field/stream` (WebSocket) and `/events` (Server-Sent Events): who may open one, and how it starts. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { toProblem } from '../../shared/contract/problem.ts';
import { coversField } from '../../shared/contract/token.ts';
import { closeCodes } from '../../shared/contract/wire.ts';
import { FieldError } from '../../shared/errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { type Guard, hasWriteAccess, requireClaims } from '../auth/field-auth.ts';
import type { App } from '../fastify-types.ts';
import { createOriginCheck } from '../http/cors-origins.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';
import type { StateReader } from '../state/state-reader.ts';
import { encodeMessage } from '../streaming/stream-message.ts';
import { createClientMessageParser } from '../streaming/transports/client-messages.ts';
import type { SessionDeps } from '../streaming/transports/session-deps.ts';
import { SseSession } from '../streaming/transports/sse-session.ts';
import { WebSocketSession } from '../streaming/transports/websocket-session.ts';
import { bearer, fieldParams, problems, streamQuery } from './schemas.ts';

interface StreamRoutesDeps extends SessionDeps {
  readonly guard: Guard;
  readonly limits: RateLimits;
  readonly states: StateReader;
  readonly origins: readonly string[];
}

export function addStreamRoutes(app: App, deps: StreamRoutesDeps): void {
  const { guard, limits, states, streams, origins, config } = deps;
  const parse = createClientMessageParser(config.GRID_SIZE);
  const checkOrigin = createOriginCheck(origins);

  /**
   * Refused before the upgrade, so that the client learns why from an ordinary answer; but a browser cannot read one,
   * and would come again for ever: it gets its socket, and then a close code that says why.
   */
  const authorizeUpgrade: Guard = async (request) => {
    try {
      await guard(request);
    } catch (error) {
      if (!(error instanceof FieldError) || !isReportableOnSocket(error) || request.headers.authorization !== undefined)
        throw error;
      request.refusal = error;
    }
  };
  const assertCanOpen = async (request: FastifyRequest): Promise<void> => {
    if (streams.isDraining) throw new FieldError('shutting_down', { retryAfterSeconds: 1 });
    if (request.refusal) return;
    const { field } = request.params as { field: FieldId };
    const claims = requireClaims(request);
    limits.newStreams.consume(claims.sub, 1);
    if (coversField(claims, field) && !hasWriteAccess(claims, field)) await states.read(field);
    // Last, so that what is let in is open before others are asked.
    await limits.streams.reserve(claims.sub);
  };

  app.route({
    method: 'GET',
    url: '/api/fields/:field/stream',
    onRequest: [checkOrigin, authorizeUpgrade],
    preHandler: assertCanOpen,
    schema: {
      summary: 'Follow a field by WebSocket',
      description:
        'Subprotocols `field.v1` and `bearer.<token>`, or the header. `?after=VERSION` resumes from a version. ' +
        'Messages are described in docs/protocol.md.',
      tags: ['streams'],
      security: bearer,
      params: fieldParams,
      querystring: streamQuery,
      response: problems,
    },
    handler: () => {
      throw new FieldError('bad_request', {
        detail: 'This address speaks WebSocket; /events has the same as plain HTTP',
      });
    },
    wsHandler: (socket, request) => {
      if (request.refusal) return rejectSocket(socket, request.refusal);
      const { field } = request.params as { field: FieldId };
      const { after } = request.query as { after?: number };
      const streamRequest = { field, claims: requireClaims(request), after };
      new WebSocketSession({ ...deps, socket, request: streamRequest, parse, log: request.log });
    },
  });

  app.get(
    '/api/fields/:field/events',
    {
      onRequest: guard,
      preHandler: assertCanOpen,
      schema: {
        summary: 'Follow a field by Server-Sent Events',
        description: 'The same messages as the WebSocket. `Last-Event-ID` or `?after=VERSION` resumes from a version.',
        tags: ['streams'],
        security: bearer,
        produces: ['text/event-stream'],
        params: fieldParams,
        querystring: streamQuery,
        response: problems,
      },
    },
    (request, reply) => {
      const { field } = request.params;
      const after = parseLastEventId(request) ?? request.query.after;
      reply.hijack();
      reply.raw.writeHead(200, {
        ...(reply.getHeaders() as OutgoingHttpHeaders),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Proxies such as nginx would otherwise hold the messages back.
        'x-accel-buffering': 'no',
      });
      const streamRequest = { field, claims: requireClaims(request), after };
      new SseSession({ ...deps, response: reply.raw, request: streamRequest, log: request.log });
    },
  );
}

function isReportableOnSocket({ code }: FieldError): boolean {
  return code === 'token_expired' || code === 'token_revoked' || code === 'forbidden';
}

function rejectSocket(socket: WebSocket, error: FieldError): void {
  socket.on('error', () => socket.terminate());
  socket.send(encodeMessage({ type: 'error', problem: toProblem(error) }).text);
  const code = error.code === 'token_expired' ? closeCodes.tokenExpired : closeCodes.forbidden;
  socket.close(code, error.code);
}

/** An id that is no version is passed over: then the stream starts with a snapshot. */
function parseLastEventId({ headers }: FastifyRequest): number | undefined {
  const id = headers['last-event-id'];
  return typeof id === 'string' && /^\d{1,15}$/.test(id) ? Number(id) : undefined;
}
