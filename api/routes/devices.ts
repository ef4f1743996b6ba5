/** `POST /api/devices`: issues a device id and a token where registration is open. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { signToken } from '../../shared/auth/jwt.ts';
import type { RevocationList } from '../../shared/auth/revocation-list.ts';
import type { Config } from '../../shared/config/config.ts';
import { deviceIdSchema, timeSchema } from '../../shared/contract/ids.ts';
import { FieldError } from '../../shared/errors.ts';
import type { DeviceId } from '../../shared/field/ids.ts';
import type { App } from '../fastify-types.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';
import { problems } from './schemas.ts';

const expiresInSeconds = 30 * 86_400;
const idBytes = 16;

const registeredSchema = z
  .strictObject({ deviceId: deviceIdSchema, token: z.string(), expiresAt: timeSchema })
  .meta({ id: 'RegisteredDevice' });

interface DeviceRoutesDeps {
  readonly config: Config;
  readonly revocations: RevocationList;
  readonly limits: RateLimits;
}

/** The largest valid body is a device id. */
const maxBodyBytes = 1024;

export function addDeviceRoutes(app: App, { config, revocations, limits }: DeviceRoutesDeps): void {
  app.post(
    '/api/devices',
    {
      bodyLimit: maxBodyBytes,
      // Before the body is read: refusing it must cost less than sending it.
      onRequest: async ({ ip }) => {
        if (!config.openRegistration || !config.JWT_SECRET) {
          throw new FieldError('forbidden', {
            detail: 'Registration is closed (OPEN_REGISTRATION). Ask an operator for a token',
          });
        }
        limits.registrations.consume(ip, 1);
      },
      schema: {
        summary: 'Register a device',
        description: 'Only where registration is open. The token is valid for all fields and for 30 days.',
        tags: ['devices'],
        body: z.strictObject({ deviceId: deviceIdSchema.optional() }).nullish(),
        response: { 201: registeredSchema, ...problems },
      },
    },
    async (request, reply) => {
      const secret = config.JWT_SECRET ?? '';
      const deviceId = request.body?.deviceId ?? (randomBytes(idBytes).toString('hex') as DeviceId);
      if (revocations.isDeviceRevoked(deviceId)) {
        throw new FieldError('forbidden', {
          detail: 'The tokens of this device have been revoked. Register with another device id',
        });
      }
      const { token, expiresAt } = await signToken(
        {
          sub: `device:${deviceId}`,
          device: deviceId,
          fields: ['*'],
          scope: ['field:read', 'field:write'],
          expiresInSeconds,
        },
        { secret, issuer: config.JWT_ISSUER, audience: config.JWT_AUDIENCE },
      );
      return reply.code(201).header('cache-control', 'no-store').send({ deviceId, token, expiresAt });
    },
  );
}
