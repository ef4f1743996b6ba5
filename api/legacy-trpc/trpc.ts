/** tRPC as the original system used it: superjson on the wire, and errors that reveal no more than the API's problems. */
import { initTRPC, TRPCError } from '@trpc/server';
import type { TRPC_ERROR_CODE_KEY } from '@trpc/server/rpc';
import type { FastifyBaseLogger } from 'fastify';
import superjson from 'superjson';
import { z } from 'zod';
import { errorTable, FieldError } from '../../shared/errors.ts';

export interface LegacyRequest {
  readonly log: FastifyBaseLogger;
  /** Ends counting the body as in flight, before the response does. */
  readonly releaseBody: () => void;
}

interface LegacyContext {
  /** Where the request came from. */
  readonly address: string;
  readonly request: LegacyRequest;
}

/** Maximum length of a message that names a mistake in the input, which may contain parts of the input. */
const maxMessageLength = 300;

const t = initTRPC.context<LegacyContext>().create({
  transformer: {
    input: { serialize: superjson.serialize, deserialize: deserializeInput },
    output: { serialize: superjson.serialize, deserialize: superjson.deserialize },
  },
  // No stack traces in answers, whatever NODE_ENV is.
  isDev: false,
  errorFormatter: ({ shape, error }) => ({ ...shape, message: describeError(error).slice(0, maxMessageLength) }),
});

export const createRouter = t.router;

/** The base of all procedures: the errors of the API become those of tRPC with the same status. */
export const procedure = t.procedure.use(async ({ next }) => {
  const result = await next();
  if (!result.ok && result.error.cause instanceof FieldError) throw toTrpcError(result.error.cause);
  return result;
});

const metaSchema = z.object({ values: z.unknown() });
const inputSchema = z.object({ json: z.unknown(), meta: metaSchema.optional() });

/**
 * superjson can build regular expressions, errors, sets and numbers of any length from its input, and follows paths that make
 * an array as long as the path says. The original's client only ever sends JSON and `undefined`, for which superjson writes
 * null, so that nothing else is accepted, and superjson itself never sees the input.
 * @throws TRPCError `BAD_REQUEST`
 */
function deserializeInput(value: unknown): unknown {
  if (value === undefined) return undefined;
  try {
    const { json, meta } = inputSchema.parse(value);
    if (meta === undefined || hasOnlyUndefined(meta.values)) return omitNulls(json);
  } catch {
    // It has another shape, or is nested so deeply that the stack would overflow.
  }
  throw new TRPCError({ code: 'BAD_REQUEST', message: 'The input must be JSON in the format of superjson' });
}

/** Without the properties that are null. Elements of arrays stay, so that no array gets holes. */
function omitNulls(json: unknown): unknown {
  return JSON.parse(JSON.stringify(json) ?? 'null', function (this: unknown, _key, value: unknown) {
    return value === null && !Array.isArray(this) ? undefined : value;
  });
}

/** Annotations are `["undefined"]`, or a list of a tree of them by path, or such a tree. */
function hasOnlyUndefined(annotations: unknown): boolean {
  if (annotations === 'undefined') return true;
  if (typeof annotations !== 'object' || annotations === null) return false;
  return Object.values(annotations).every(hasOnlyUndefined);
}

const codesByStatus: Readonly<Record<number, TRPC_ERROR_CODE_KEY>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'TOO_MANY_REQUESTS',
  503: 'SERVICE_UNAVAILABLE',
};

export function toTrpcError(error: FieldError): TRPCError {
  const code = codesByStatus[errorTable[error.code].status] ?? 'INTERNAL_SERVER_ERROR';
  return new TRPCError({ code, message: error.code, cause: error });
}

function describeError({ code, cause, message }: TRPCError): string {
  if (cause instanceof FieldError) return cause.detail ?? errorTable[cause.code].title;
  if (cause instanceof z.ZodError) {
    const [issue] = cause.issues;
    return `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'invalid'}`;
  }
  return code === 'INTERNAL_SERVER_ERROR' ? errorTable.internal.title : message;
}
