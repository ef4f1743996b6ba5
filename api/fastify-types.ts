/** The Fastify instance of the API, and what its hooks record on a request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Claims } from '../shared/contract/token.ts';
import type { ErrorCode, FieldError } from '../shared/errors.ts';
import type { Writer } from './auth/field-auth.ts';
import type { OperatorIdentity } from './operators/operator-guard.ts';
import type { CallerLimiter } from './rate-limits/caller-limiter.ts';

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse<IncomingMessage>,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Null until a hook sets them. */
interface RequestState {
  /** Where the request came from. Limits use this instead of `ip`, which is undefined if first read after the connection closed. */
  address: string;
  /** The claims of the token; null on routes without a guard. */
  claims: Claims | null;
  /** The operator who is logged in; null on other routes. */
  operator: OperatorIdentity | null;
  /** The device that may write; null unless the guard requires `field:write`. */
  writer: Writer | null;
  /** The limiter that the request was charged to; its status is sent in the `RateLimit` headers. */
  rateLimiter: CallerLimiter | null;
  /** The first and the last of the updates that were accepted. */
  acceptedCounters: readonly [number, number] | null;
  /** The code of the problem that was sent. */
  problemCode: ErrorCode | null;
  /** Why a WebSocket is closed right after the upgrade. */
  upgradeError: FieldError | null;
}

declare module 'fastify' {
  interface FastifyRequest extends RequestState {
    /** The path that a trusted proxy has stripped, such as `/field`; empty without one. */
    readonly forwardedPrefix: string;
  }
}

const initialState: RequestState = {
  address: '',
  claims: null,
  operator: null,
  writer: null,
  rateLimiter: null,
  acceptedCounters: null,
  problemCode: null,
  upgradeError: null,
};

/** Declares the properties on Fastify's request, so that all request objects have the same hidden class. */
export function decorateRequests(app: Pick<App, 'decorateRequest'>): void {
  for (const [name, value] of Object.entries(initialState)) app.decorateRequest(name, value);
}
