/** The types that every part of the API shares: its Fastify instance, and what a request carries. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Claims } from '../shared/contract/token.ts';
import type { ErrorCode, FieldError } from '../shared/errors.ts';
import type { DistributedRateLimiter } from './rate-limits/distributed-rate-limiter.ts';

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse<IncomingMessage>,
  FastifyBaseLogger,
  ZodTypeProvider
>;

declare module 'fastify' {
  interface FastifyRequest {
    /** What the token says; null on routes that need none. */
    claims: Claims | null;
    /** What the request spends of; told in its answer. */
    budget: DistributedRateLimiter | null;
    /** What the answer says went wrong. */
    problemCode: ErrorCode | null;
    /** Why a WebSocket is closed as soon as it is open. */
    refusal: FieldError | null;
  }
}
