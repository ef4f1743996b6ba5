/** Who may do what: the bearer token of a request, its scopes and its fields. Knows nothing of the routes. */
import type { FastifyRequest } from 'fastify';
import type { VerifyToken } from '../../shared/auth/jwt.ts';
import { type RevocationList, toTokenIdentity } from '../../shared/auth/revocation-list.ts';
import type { Grant } from '../../shared/contract/job.ts';
import { type Claims, coversField, findPattern, hasScope, type Scope } from '../../shared/contract/token.ts';
import { bearerProtocolPrefix } from '../../shared/contract/wire.ts';
import { FieldError } from '../../shared/errors.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';

const maxTokenLength = 8192;

/**
 * Checks a request's token, that it has the scope for the field of the path, and that its user has points left. Runs before
 * the body is read.
 */
export type Guard = (request: FastifyRequest) => Promise<void>;

interface FieldGuardDeps {
  readonly verifyToken: VerifyToken;
  readonly limits: RateLimits;
}

export function createFieldGuard({ verifyToken, limits }: FieldGuardDeps): (scope: Scope) => Guard {
  return (scope) => async (request) => {
    const token = extractToken(request);
    if (token === undefined) throw new FieldError('unauthorized', { detail: 'Send `Authorization: Bearer <token>`' });
    const claims = await countAuthFailures(limits, request, () => verifyToken(token));
    const { field } = request.params as { field: FieldId };
    assertAccess(claims, scope, field);
    request.claims = claims;
    request.budget = scope === 'field:write' ? limits.updates : limits.reads;
    request.budget.consume(claims.sub, computePoints(request));
  };
}

/** A replay of a thousand updates is not a look into the cache. Updates are paid for one by one when they are taken in. */
const replayPoints = 20;
const logPagePoints = 5;

function computePoints({ method, query, routeOptions }: FastifyRequest): number {
  if (method !== 'GET' && method !== 'HEAD') return 1;
  if (typeof query === 'object' && query !== null && 'at' in query) return replayPoints;
  return routeOptions.url?.endsWith('/updates') ? logPagePoints : 1;
}

/** A token that is no token costs its address a point. @throws FieldError `rate_limited` when that was one too many */
export async function countAuthFailures(
  limits: RateLimits,
  request: Pick<FastifyRequest, 'ip'>,
  verify: () => Promise<Claims>,
): Promise<Claims> {
  try {
    return await verify();
  } catch (error) {
    if (error instanceof FieldError && error.code === 'unauthorized') limits.failedLogins.consume(request.ip, 1);
    throw error;
  }
}

/** @throws FieldError `forbidden` */
export function assertAccess(claims: Claims, scope: Scope, field: FieldId): void {
  if (!hasScope(claims, scope)) throw new FieldError('forbidden', { detail: `The token lacks the scope ${scope}` });
  if (!coversField(claims, field)) throw new FieldError('forbidden', { detail: 'The token does not cover this field' });
}

/** @throws FieldError `token_revoked` */
export function assertNotRevoked(revocations: RevocationList, claims: Claims): void {
  if (revocations.isRevoked(toTokenIdentity(claims))) throw new FieldError('token_revoked');
}

/** The check of a token, and of whether it has been revoked. */
export function withRevocationCheck(verifyToken: VerifyToken, revocations: RevocationList): VerifyToken {
  return async (token) => {
    const claims = await verifyToken(token);
    assertNotRevoked(revocations, claims);
    return claims;
  };
}

/** What the worker is to know of the token. @throws FieldError `forbidden` */
export function createGrant(claims: Claims, field: FieldId): Grant {
  const pattern = findPattern(claims, field);
  if (pattern === undefined) throw new FieldError('forbidden', { detail: 'The token does not cover this field' });
  const { jti: tokenId, iat: issuedAt } = claims;
  return { pattern, ...(tokenId === undefined ? {} : { tokenId }), ...(issuedAt === undefined ? {} : { issuedAt }) };
}

export function hasWriteAccess(claims: Claims, field: FieldId): boolean {
  return hasScope(claims, 'field:write') && claims.device !== undefined && coversField(claims, field);
}

/** The device that writes. @throws FieldError `forbidden` for a token that names none. */
export function requireDevice(claims: Claims): DeviceId {
  if (claims.device === undefined) {
    throw new FieldError('forbidden', { detail: 'The token names no device, and only a device can write' });
  }
  return claims.device;
}

/** The claims that a guard has left. */
export function requireClaims(request: FastifyRequest): Claims {
  if (!request.claims) throw new FieldError('unauthorized');
  return request.claims;
}

/** From the header, or, since browsers cannot set one for a WebSocket, from the subprotocols of an upgrade. */
function extractToken({ headers, ws }: FastifyRequest): string | undefined {
  const header = parseBearerToken(headers.authorization);
  if (header !== undefined || !ws) return header;
  const protocol = String(headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .find((name) => name.startsWith(bearerProtocolPrefix));
  return limitTokenLength(protocol?.slice(bearerProtocolPrefix.length));
}

export function parseBearerToken(header: string | undefined): string | undefined {
  const match = header === undefined ? null : /^bearer +(\S+)$/i.exec(header.trim());
  return limitTokenLength(match?.[1]);
}

function limitTokenLength(token: string | undefined): string | undefined {
  return token !== undefined && token.length > 0 && token.length <= maxTokenLength ? token : undefined;
}
