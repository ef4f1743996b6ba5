/**
 * Puts the API together from ready connections: what watches, what answers, and the routes. Starts nothing outside
 * itself, and closes with `app.close()` all that it made; the connections belong to whoever opened them.
 */
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyBaseLogger } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { maxRequestBytes } from '../shared/contract/update.ts';
import { streamProtocol } from '../shared/contract/stream.ts';
import { createAcceptUpdates } from './accept-updates.ts';
import type { App } from './app-types.ts';
import { createFieldGuard } from './auth.ts';
import { Backlog } from './backlog.ts';
import { ChannelSubscriber } from './channel-subscriber.ts';
import type { Connections } from './connections.ts';
import { CounterLeads } from './counter-leads.ts';
import { addDocs } from './docs.ts';
import { addDrain } from './drain.ts';
import { createHealthCheck } from './health.ts';
import { KnownVersions } from './known-versions.ts';
import { createMetrics } from './metrics.ts';
import { parseOrigins } from './origins.ts';
import { Presence } from './presence.ts';
import { answerBrokenRequest, handleErrors, sendProblem, toFieldError } from './problems.ts';
import { Replies } from './replies.ts';
import { logRequests } from './request-log.ts';
import { addDeviceRoutes } from './routes/devices.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addHistoryRoutes } from './routes/history.ts';
import { addOperatorRoutes } from './routes/operators.ts';
import { addStateRoutes } from './routes/state.ts';
import { addStreamRoutes } from './routes/streams.ts';
import { addUpdateRoutes } from './routes/updates.ts';
import { contentSecurityPolicy } from './security-headers.ts';
import { StateReader } from './state-reader.ts';
import { FieldHub } from './stream/field-hub.ts';
import { OpenStreams } from './stream/open-streams.ts';
import { answerUnknownRoutes } from './unknown-routes.ts';
