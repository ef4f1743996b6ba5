/**
 * `/api/trpc`: serves apps of the original system, if the setting LEGACY_TRPC_FIELD names the field that they get. They have no
 * tokens, so this opens the field to everyone who can reach the API, within the same limits as everything else.
 */

import { fastifyRequestHandler } from '@trpc/server/adapters/fastify';
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { computeSizePoints } from '../../shared/contract/wire.ts';
import { errorTable, FieldError } from '../../shared/errors.ts';
import type { AdmissionControl } from '../admission/admission-control.ts';
import { createAdmissionHook } from '../admission/admission-hook.ts';
import type { App } from '../fastify-types.ts';
import { toFieldError } from '../http/problem-response.ts';
import type { ApiMetrics } from '../metrics.ts';
import { addressKey } from '../rate-limits/address-key.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';
import { createLegacyRouter } from './legacy-router.ts';
import type { ProcedureDeps } from './procedures/procedure-deps.ts';
import { toTrpcError } from './trpc.ts';

const legacyPath = '/api/trpc';
/** 900 changes of cells have about 80 bytes each. */
const maxBodyBytes = 256 * 1024;
/** Parsing all particles costs as much as reading an earlier state. */
const excavationPoints = 20;

interface LegacyRoutesDeps extends ProcedureDeps {
  readonly admission: AdmissionControl;
  readonly limits: Pick<RateLimits, 'reads' | 'updates'>;
  readonly metrics: Pick<ApiMetrics, 'refused'>;
}

export async function addLegacyRoutes(app: App, deps: LegacyRoutesDeps): Promise<void> {
  const { admission, limits, metrics } = deps;
  const admit = createAdmissionHook(admission, maxBodyBytes);
  const router = createLegacyRouter(deps);

  /** Runs before the body is read, when the app's name is not known yet: all apps at an address are charged as one user. */
  const charge = (limiter: 'reads' | 'updates', request: FastifyRequest) => {
    const address = addressKey(request.address);
    const bytes = limiter === 'reads' ? 0 : Number(request.headers['content-length'] ?? maxBodyBytes);
    const { path } = request.params as { path: string };
    const points = path === 'consciousness.archaeology.excavate' ? excavationPoints : 1;
    limits[limiter].consume(
      { user: `legacy ${address}`, address },
      points + computeSizePoints(Math.min(bytes, maxBodyBytes)),
    );
  };

  const handle = (request: FastifyRequest, reply: FastifyReply) =>
    fastifyRequestHandler({
      router,
      req: request,
      res: reply,
      path: (request.params as { path: string }).path,
      createContext: () => ({
        address: request.address,
        request: { log: request.log, releaseBody: () => admission.inFlight.release(request) },
      }),
      allowBatching: false,
      onError: ({ error }) => {
        const fieldError = toFieldError(error.cause ?? error);
        const isRefusal = error.cause instanceof FieldError || error.code === 'INTERNAL_SERVER_ERROR';
        metrics.refused.inc({ code: isRefusal ? fieldError.code : 'invalid_input' });
        if (error.code === 'INTERNAL_SERVER_ERROR') request.log.error({ err: error.cause ?? error }, 'request failed');
        const { retryAfterSeconds } = fieldError;
        if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
      },
    });

  await app.register(async (scope) => {
    scope.setErrorHandler((thrown, _request, reply) => {
      const error = toFieldError(thrown);
      metrics.refused.inc({ code: error.code });
      return sendError(reply, error);
    });
    const shared = { bodyLimit: maxBodyBytes, schema: { hide: true } };
    scope.get(`${legacyPath}/:path`, { ...shared, onRequest: async (request) => charge('reads', request) }, handle);
    scope.post(
      `${legacyPath}/:path`,
      {
        ...shared,
        onRequest: [correctContentType, async (request) => charge('updates', request), admit],
        onSend: (request, _reply, _payload, done) => {
          admission.inFlight.release(request);
          done();
        },
      },
      handle,
    );
  });
}

/** The original's client sets this header twice, in two spellings, and so sends its value twice. */
async function correctContentType({ raw: { headers } }: FastifyRequest): Promise<void> {
  if (/^application\/json, ?application\/json$/i.test(headers['content-type'] ?? '')) {
    headers['content-type'] = 'application/json';
  }
}

/** Sends an error that occurred before tRPC handled the request, in the format that the original's client expects. */
function sendError(reply: FastifyReply, error: FieldError) {
  const { status, title } = errorTable[error.code];
  const { code } = toTrpcError(error);
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
  const json = {
    message: error.detail ?? title,
    code: TRPC_ERROR_CODES_BY_KEY[code],
    data: { code, httpStatus: status },
  };
  return reply.code(status).type('application/json').send({ error: { json } });
}
