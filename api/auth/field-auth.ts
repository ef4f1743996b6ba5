/** Who may do what: the bearer token of a request, its scopes and its fields. Knows nothing of the routes. */
import type { FastifyRequest } from 'fastify';
import type { VerifyToken } from '../../shared/auth/jwt.ts';
import { identityOf, type RevocationList } from '../../shared/auth/revocation-list.ts';
import type { Grant } from '../../shared/contract/job.ts';
import { type Claims, coversField, findPattern, hasScope, type Scope } from '../../shared/contract/token.ts';
import { bearerProtocolPrefix } from '../../shared/contract/wire.ts';
import { FieldError } from '../../shared/errors.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Limits } from '../rate-limits/rate-limits.ts';

const maxTokenLength = 8192;

/**
 * Checks a request's token, that it has the scope for the field of the path, and that its user has points left. Runs before
 * the body is read.
 */
export type Guard = (request: FastifyRequest) => Promise<void>;

interface FieldGuardOptions {
  readonly verifyToken: VerifyToken;
  readonly limits: Limits;
}

export function createFieldGuard({ verifyToken, limits }: FieldGuardOptions): (scope: Scope) => Guard {
  return (scope) => async (request) => {
    const token = findToken(request);
    if (token === undefined) throw new FieldError('unauthorized', { detail: 'Send `Authorization: Bearer <token>`' });
    const claims = await countFailures(limits, request, () => verifyToken(token));
    const { field } = request.params as { field: FieldId };
    checkAccess(claims, scope, field);
    request.claims = claims;
    request.budget = scope === 'field:write' ? limits.updates : limits.reads;
    request.budget.take(claims.sub, pointsOf(request));
  };
}

/** A replay of a thousand updates is not a look into the cache. Updates are paid for one by one when they are taken in. */
const replayPoints = 20;
const logPagePoints = 5;

function pointsOf({ method, query, routeOptions }: FastifyRequest): number {
  if (method !== 'GET' && method !== 'HEAD') return 1;
  if (typeof query === 'object' && query !== null && 'at' in query) return replayPoints;
  return routeOptions.url?.endsWith('/updates') ? logPagePoints : 1;
}

/** A token that is no token costs its address a point. @throws FieldError `rate_limited` when that was one too many */
export async function countFailures(
  limits: Limits,
  request: Pick<FastifyRequest, 'ip'>,
  verify: () => Promise<Claims>,
): Promise<Claims> {
  try {
    return await verify();
  } catch (error) {
    if (error instanceof FieldError && error.code === 'unauthorized') limits.failedLogins.take(request.ip, 1);
    throw error;
  }
}

/** @throws FieldError `forbidden` */
export function checkAccess(claims: Claims, scope: Scope, field: FieldId): void {
  if (!hasScope(claims, scope)) throw new FieldError('forbidden', { detail: `The token lacks the scope ${scope}` });
  if (!coversField(claims, field)) throw new FieldError('forbidden', { detail: 'The token does not cover this field' });
}

/** @throws FieldError `token_revoked` */
export function checkRevocation(revocations: RevocationList, claims: Claims): void {
  if (revocations.isRevoked(identityOf(claims))) throw new FieldError('token_revoked');
}

/** The check of a token, and of whether it has been revoked. */
export function refuseRevoked(verifyToken: VerifyToken, revocations: RevocationList): VerifyToken {
  return async (token) => {
    const claims = await verifyToken(token);
    checkRevocation(revocations, claims);
    return claims;
  };
}

/** What the worker is to know of the token. @throws FieldError `forbidden` */
export function grantOf(claims: Claims, field: FieldId): Grant {
  const pattern = findPattern(claims, field);
  if (pattern === undefined) throw new FieldError('forbidden', { detail: 'The token does not cover this field' });
  const { jti: tokenId, iat: issuedAt } = claims;
  return { pattern, ...(tokenId === undefined ? {} : { tokenId }), ...(issuedAt === undefined ? {} : { issuedAt }) };
}

export function mayWrite(claims: Claims, field: FieldId): boolean {
  return hasScope(claims, 'field:write') && claims.device !== undefined && coversField(claims, field);
}

/** The device that writes. @throws FieldError `forbidden` for a token that names none. */
export function writerOf(claims: Claims): DeviceId {
  if (claims.device === undefined) {
    throw new FieldError('forbidden', { detail: 'The token names no device, and only a device can write' });
  }
  return claims.device;
}

/** The claims that a guard has left. */
export function claimsOf(request: FastifyRequest): Claims {
  if (!request.claims) throw new FieldError('unauthorized');
  return request.claims;
}

/** From the header, or, since browsers cannot set one for a WebSocket, from the subprotocols of an upgrade. */
function findToken({ headers, ws }: FastifyRequest): string | undefined {
  const header = bearerOf(headers.authorization);
  if (header !== undefined || !ws) return header;
  const protocol = String(headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .find((name) => name.startsWith(bearerProtocolPrefix));
  return boundToken(protocol?.slice(bearerProtocolPrefix.length));
}

export function bearerOf(header: string | undefined): string | undefined {
  const match = header === undefined ? null : /^bearer +(\S+)$/i.exec(header.trim());
  return boundToken(match?.[1]);
}

function boundToken(token: string | undefined): string | undefined {
  return token !== undefined && token.length > 0 && token.length <= maxTokenLength ? token : undefined;
}
