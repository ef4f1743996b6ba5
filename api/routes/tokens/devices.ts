/**
 * `POST /api/devices` gives anybody an identity while registration is open; `POST /api/devices/renew` exchanges a device's last
 * token for a new one. The server generates the device id, so that nobody gets a token for an existing one by naming it.
 */
import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { createRenewalVerifier, type Registration, signToken, type VerifyToken } from '../../../shared/auth/jwt.ts';
import type { RevocationList } from '../../../shared/auth/revocation-list.ts';
import type { Config } from '../../../shared/config/config.ts';
import { parseFieldPatterns } from '../../../shared/config/settings.ts';
import { deviceIdSchema, timeSchema } from '../../../shared/contract/ids.ts';
import type { Claims } from '../../../shared/contract/token.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';
import { secondsPerDay } from '../../../shared/time-units.ts';
import {
  countAuthFailures,
  type Guard,
  requireClaims,
  requireToken,
  withRevocationCheck,
} from '../../auth/field-auth.ts';
import type { App } from '../../fastify-types.ts';
import { addressKey } from '../../rate-limits/address-key.ts';
import type { RateLimits } from '../../rate-limits/rate-limits.ts';
import { bearer, problems } from '../schemas.ts';

const idBytes = 16;
/** The bodies contain no data. */
export const maxBodyBytes = 1024;

const registeredSchema = z
  .strictObject({ deviceId: deviceIdSchema, token: z.string(), expiresAt: timeSchema })
  .meta({ id: 'RegisteredDevice' });
const emptyBody = z.strictObject({}).nullish();

interface DeviceRoutesDeps {
  readonly config: Config;
  readonly revocations: RevocationList;
  readonly limits: Pick<RateLimits, 'registrations' | 'failedLogins'>;
}

export function addDeviceRoutes(app: App, { config, revocations, limits }: DeviceRoutesDeps): void {
  const issue = createIssuer(config);
  const sharedSchema = { tags: ['devices'], body: emptyBody };

  app.post(
    '/api/devices',
    {
      bodyLimit: maxBodyBytes,
      onRequest: createRegistrationGuard(config, limits),
      schema: {
        ...sharedSchema,
        operationId: 'registerDevice',
        summary: 'Register a device',
        description:
          'Only if registration is open. The server generates the id. The token covers the fields of REGISTRATION_FIELDS and is ' +
          'valid for REGISTRATION_TOKEN_DAYS.',
        security: [],
        response: { 201: registeredSchema, ...problems },
      },
    },
    async (_request, reply) => {
      const device = randomBytes(idBytes).toString('hex') as DeviceId;
      const registration = { tokenId: crypto.randomUUID(), registeredAt: Math.floor(Date.now() / 1000) };
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send(await issue(device, registration));
    },
  );

  app.post(
    '/api/devices/renew',
    {
      bodyLimit: maxBodyBytes,
      onRequest: createRenewalGuard({ config, revocations, limits }),
      schema: {
        ...sharedSchema,
        operationId: 'renewToken',
        summary: 'Renew the token of a registered device',
        description:
          'The bearer token is the last one of the device, valid or expired. Only tokens from registration ' +
          'and renewal can be renewed, until they are revoked.',
        security: bearer,
        response: { 200: registeredSchema, ...problems },
      },
    },
    async (request, reply) => {
      const { device, registration } = toRegistration(requireClaims(request));
      return reply.header('cache-control', 'no-store').send(await issue(device, registration));
    },
  );
}

/** Runs before the body is read. */
function createRegistrationGuard(config: Config, limits: DeviceRoutesDeps['limits']): Guard {
  return async (request) => {
    if (!config.openRegistration || !config.JWT_SECRET) {
      throw new FieldError('forbidden', {
        detail: 'Registration is closed (OPEN_REGISTRATION). Ask an operator for a token',
      });
    }
    limits.registrations.consume(addressKey(request.address), 1);
  };
}

/** Runs before the body is read. Registered devices can renew their tokens even after registration was closed. */
function createRenewalGuard({ config, revocations, limits }: DeviceRoutesDeps): Guard {
  if (!config.JWT_SECRET) {
    return async () => {
      throw new FieldError('forbidden', {
        detail: 'The identity provider (JWKS_URL) issues all tokens: get a new one there',
      });
    };
  }
  const verify: VerifyToken = withRevocationCheck(createRenewalVerifier(config), revocations);
  return async (request: FastifyRequest) => {
    limits.registrations.consume(addressKey(request.address), 1);
    const token = requireToken(request);
    const claims = await countAuthFailures(limits, request, () => verify(token));
    toRegistration(claims);
    request.claims = claims;
  };
}

/** @throws FieldError `forbidden` for a token that registration has not issued */
function toRegistration({ device, jti: tokenId, registered: registeredAt }: Claims) {
  if (device !== undefined && tokenId !== undefined && registeredAt !== undefined) {
    return { device, registration: { tokenId, registeredAt } };
  }
  throw new FieldError('forbidden', {
    detail: 'Only tokens from registration can be renewed. Get a new one from the issuer of this token',
  });
}

function createIssuer(config: Config) {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = config;
  const fields = parseFieldPatterns(config.REGISTRATION_FIELDS);
  const expiresInSeconds = Math.round(config.REGISTRATION_TOKEN_DAYS * secondsPerDay);
  return async (deviceId: DeviceId, registration: Registration) => {
    const { token, expiresAt } = await signToken(
      {
        sub: `device:${deviceId}`,
        device: deviceId,
        fields,
        scope: ['field:read', 'field:write'],
        expiresInSeconds,
        registration,
      },
      // The guards refuse requests without a secret.
      { secret: config.JWT_SECRET ?? '', issuer, audience },
    );
    return { deviceId, token, expiresAt };
  };
}
