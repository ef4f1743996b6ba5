/** `GET /api/fields/:field/stream` (WebSocket) and `/events` (Server-Sent Events): admits streams and starts their sessions. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { toProblem } from '../../shared/contract/problem.ts';
import { coversField } from '../../shared/contract/token.ts';
import { closeCodes } from '../../shared/contract/wire.ts';
import { FieldError } from '../../shared/errors.ts';
import { type Cursor, isCursor } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { type Guard, hasWriteAccess, requireClaims } from '../auth/field-auth.ts';
import type { App } from '../fastify-types.ts';
import { type AllowedOrigin, createOriginCheck } from '../http/cors-origins.ts';
import { createCaller } from '../rate-limits/caller.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';
import type { StateReader } from '../state/state-reader.ts';
import { encodeMessage } from '../streaming/stream-message.ts';
import { createClientMessageParser } from '../streaming/transports/client-messages.ts';
import type { SessionDeps } from '../streaming/transports/session-deps.ts';
import { SseSession } from '../streaming/transports/sse-session.ts';
import { WebSocketSession } from '../streaming/transports/websocket-session.ts';
import { bearer, fieldParams, problems, type StreamQuery, streamQuery } from './schemas.ts';

interface StreamRoutesDeps {
  /** Requires the scope `field:read`. */
  readonly guard: Guard;
  readonly limits: Pick<RateLimits, 'newStreams' | 'streams'>;
  readonly states: StateReader;
  readonly origins: readonly AllowedOrigin[];
  readonly isStopping: () => boolean;
  /** What each stream's session needs. */
  readonly sessions: SessionDeps;
}

export function addStreamRoutes(app: App, deps: StreamRoutesDeps): void {
  const { guard, limits, states, origins, isStopping, sessions } = deps;
  const parse = createClientMessageParser(sessions.config.GRID_SIZE);
  const checkOrigin = createOriginCheck(origins);

  /**
   * An upgrade is refused with a problem. A browser cannot read that response and would retry for ever, so if the token
   * came as a subprotocol and is the reason, the upgrade succeeds and the socket is closed with a code.
   */
  const authorizeUpgrade: Guard = async (request) => {
    try {
      await guard(request);
    } catch (error) {
      const isBrowser = request.headers.authorization === undefined;
      if (!(error instanceof FieldError) || !isReportableOnSocket(error) || !isBrowser) throw error;
      request.upgradeError = error;
    }
  };
  const assertCanOpen = async (request: FastifyRequest): Promise<void> => {
    // A HEAD request opens nothing.
    if (request.method === 'HEAD') return;
    if (isStopping()) throw new FieldError('shutting_down', { retryAfterSeconds: 1 });
    if (request.upgradeError) return;
    const { field } = request.params as { field: FieldId };
    const claims = requireClaims(request);
    const caller = createCaller(claims, request.address);
    limits.newStreams.consume(caller, 1);
    if (coversField(claims, field) && !hasWriteAccess(claims, field)) await states.read(field);
    // Last, because a reservation only lasts until the end of this tick of the event loop.
    await limits.streams.reserve(caller);
  };

  app.route({
    method: 'GET',
    url: '/api/fields/:field/stream',
    onRequest: [checkOrigin, authorizeUpgrade],
    preHandler: assertCanOpen,
    schema: {
      operationId: 'followByWebSocket',
      summary: 'Follow a field by WebSocket',
      description:
        'Subprotocols `field.v2` and `bearer.<token>`, or the header. `?after=CURSOR` resumes from a cursor; ' +
        '`?region=` watches a part of the field. ' +
        'Messages are described in docs/protocol.md.',
      tags: ['streams'],
      security: bearer,
      params: fieldParams,
      querystring: streamQuery,
      response: { 101: z.null().meta({ description: 'The stream is open' }), ...problems },
    },
    handler: () => {
      throw new FieldError('bad_request', {
        detail: 'This route requires a WebSocket upgrade; /events has the same messages over plain HTTP',
      });
    },
    wsHandler: (socket, request) => {
      if (request.upgradeError) return rejectSocket(socket, request.upgradeError);
      const { field } = request.params as { field: FieldId };
      const { after, region } = request.query as StreamQuery;
      const streamRequest = { field, claims: requireClaims(request), ip: request.address, after, region };
      new WebSocketSession({ ...sessions, socket, request: streamRequest, parse, log: request.log });
    },
  });

  app.get(
    '/api/fields/:field/events',
    {
      onRequest: guard,
      preHandler: assertCanOpen,
      schema: {
        operationId: 'followByEvents',
        summary: 'Follow a field by Server-Sent Events',
        description: 'The same messages as the WebSocket. `Last-Event-ID` or `?after=CURSOR` resumes from a cursor.',
        tags: ['streams'],
        security: bearer,
        produces: ['text/event-stream'],
        params: fieldParams,
        querystring: streamQuery,
        response: { 200: eventStream, ...problems },
      },
    },
    (request, reply) => {
      const { field } = request.params;
      const after = parseLastEventId(request) ?? request.query.after;
      if (request.method === 'HEAD') {
        reply.hijack();
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).end();
        return;
      }
      reply.hijack();
      reply.raw.writeHead(200, {
        ...(reply.getHeaders() as OutgoingHttpHeaders),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Turns off response buffering in proxies such as nginx.
        'x-accel-buffering': 'no',
      });
      const { region } = request.query;
      const streamRequest = { field, claims: requireClaims(request), ip: request.address, after, region };
      new SseSession({ ...sessions, response: reply.raw, request: streamRequest, log: request.log });
    },
  );
}

/** Written to the socket itself. */
const eventStream = {
  description: 'Messages, each with its type as `event`, and a cursor as `id`',
  content: { 'text/event-stream': { schema: z.string() } },
};

function isReportableOnSocket({ code }: FieldError): boolean {
  return code === 'token_expired' || code === 'token_revoked' || code === 'forbidden';
}

function rejectSocket(socket: WebSocket, error: FieldError): void {
  socket.on('error', () => socket.terminate());
  socket.send(encodeMessage({ type: 'error', problem: toProblem(error) }).text, { binary: false });
  const code = error.code === 'token_expired' ? closeCodes.tokenExpired : closeCodes.forbidden;
  socket.close(code, error.code);
}

/** An id that is not a cursor is ignored, and the stream starts with a snapshot. */
function parseLastEventId({ headers }: FastifyRequest): Cursor | undefined {
  const id = headers['last-event-id'];
  return typeof id === 'string' && isCursor(id) ? id : undefined;
}
