/**
 * `POST /api/fields/:field/viewer-tokens`: gives a reader of a field a token to share, with which others can read this field and
 * change nothing. It is valid for days, is revoked with the token that it was made from, and cannot make further tokens.
 */
import { z } from 'zod';
import { signToken } from '../../../shared/auth/jwt.ts';
import type { Config } from '../../../shared/config/config.ts';
import { timeSchema } from '../../../shared/contract/ids.ts';
import type { Claims } from '../../../shared/contract/token.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { secondsPerDay } from '../../../shared/time-units.ts';
import { type Guard, requireClaims } from '../../auth/field-auth.ts';
import type { App } from '../../fastify-types.ts';
import { addressKey } from '../../rate-limits/address-key.ts';
import type { RateLimits } from '../../rate-limits/rate-limits.ts';
import { bearer, fieldParams, problems } from '../schemas.ts';
import { maxBodyBytes } from './devices.ts';

const minLifetimeSeconds = 60;

const bodySchema = z
  .strictObject({
    lifetimeSeconds: z.int().min(minLifetimeSeconds).optional().meta({
      description: 'Shortened to VIEWER_TOKEN_DAYS, which is also the default.',
    }),
  })
  .nullish();
const viewerTokenSchema = z.strictObject({ token: z.string(), expiresAt: timeSchema }).meta({ id: 'ViewerToken' });

interface ViewerTokenRoutesDeps {
  readonly config: Config;
  readonly guard: Guard;
  readonly limits: Pick<RateLimits, 'registrations'>;
}

export function addViewerTokenRoutes(app: App, { config, guard, limits }: ViewerTokenRoutesDeps): void {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = config;
  const maxLifetimeSeconds = Math.floor(Math.min(config.VIEWER_TOKEN_DAYS, config.TOKEN_MAX_DAYS) * secondsPerDay);

  app.post(
    '/api/fields/:field/viewer-tokens',
    {
      bodyLimit: maxBodyBytes,
      onRequest: [
        guard,
        async (request) => {
          limits.registrations.consume(addressKey(request.address), 1);
          assertCanShare(config, requireClaims(request));
        },
      ],
      schema: {
        operationId: 'makeViewerToken',
        summary: "Make a viewer's token",
        description:
          'A token with which others can only read this field. It expires after `lifetimeSeconds`, and does not outlive the token ' +
          'from which it was made, unless that can be renewed. It is revoked together with that token.',
        tags: ['devices'],
        security: bearer,
        params: fieldParams,
        body: bodySchema,
        response: { 201: viewerTokenSchema, ...problems },
      },
    },
    async (request, reply) => {
      const claims = requireClaims(request);
      const expiresInSeconds = Math.min(
        request.body?.lifetimeSeconds ?? maxLifetimeSeconds,
        maxLifetimeSeconds,
        secondsLeft(claims),
      );
      const { token, expiresAt } = await signToken(
        toViewer(claims, request.params.field, expiresInSeconds),
        // The guard refuses requests without a secret.
        { secret: config.JWT_SECRET ?? '', issuer, audience },
      );
      return reply.code(201).header('cache-control', 'no-store').send({ token, expiresAt });
    },
  );
}

/** @throws FieldError `forbidden` */
function assertCanShare({ JWT_SECRET, VIEWER_TOKEN_DAYS }: Config, { viewer }: Claims): void {
  if (!JWT_SECRET)
    throw new FieldError('forbidden', {
      detail: 'The identity provider (JWKS_URL) issues all tokens, including those for viewers',
    });
  if (VIEWER_TOKEN_DAYS === 0)
    throw new FieldError('forbidden', { detail: 'This server makes no tokens for viewers (VIEWER_TOKEN_DAYS)' });
  // Otherwise a chain of tokens would outlive the maximum lifetime.
  if (viewer)
    throw new FieldError('forbidden', {
      detail: 'A viewer cannot make tokens for others. Share your own link instead',
    });
}

/** How long the token itself is valid. A registered device can renew its own at any time, so a viewer's token may outlive it. */
function secondsLeft({ exp, registered }: Claims): number {
  return registered === undefined ? Math.max(1, Math.floor(exp - Date.now() / 1000)) : Number.POSITIVE_INFINITY;
}

function toViewer({ sub, device, jti, iat, registered }: Claims, field: FieldId, expiresInSeconds: number) {
  const issuedAt = registered ?? iat;
  return {
    sub,
    fields: [field],
    scope: ['field:read'] as const,
    expiresInSeconds,
    viewer: {
      ...(device === undefined ? {} : { device }),
      ...(jti === undefined ? {} : { jti }),
      ...(issuedAt === undefined ? {} : { iat: issuedAt }),
    },
  };
}
