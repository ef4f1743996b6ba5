/** Authentication and authorisation for fields: the bearer token, its scopes and its fields. Independent of the routes. */
import type { FastifyRequest } from 'fastify';
import type { VerifyToken } from '../../shared/auth/jwt.ts';
import { type RevocationList, toTokenIdentity } from '../../shared/auth/revocation-list.ts';
import type { Grant } from '../../shared/contract/job.ts';
import { type Claims, coversField, findPattern, hasScope, type Scope } from '../../shared/contract/token.ts';
import {
  bearerProtocolPrefix,
  computeSizePoints,
  maxRequestBytes,
  maxTokenLength,
} from '../../shared/contract/wire.ts';
import { FieldError } from '../../shared/errors.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { addressKey } from '../rate-limits/address-key.ts';
import { type Caller, createCaller } from '../rate-limits/caller.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';

/** An `onRequest` hook, so that it runs before the body is read. */
export type Guard = (request: FastifyRequest) => Promise<void>;

/** A device that may write to a field. Only `authorizeWriter` creates one. */
export interface Writer {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly user: string;
  readonly caller: Caller;
  /** What the worker needs to authorise the job again when it is applied. */
  readonly grant: Grant;
}

interface FieldGuardDeps {
  /** Refuses revoked tokens as well. */
  readonly verifyToken: VerifyToken;
  readonly limits: Pick<RateLimits, 'reads' | 'updates' | 'failedLogins'>;
}

/**
 * Authenticates a request, authorises it for the field of its path, and charges its user for it. Sets `request.claims`, and
 * `request.writer` for the scope `field:write`.
 */
export function createFieldGuardFactory({ verifyToken, limits }: FieldGuardDeps): (scope: Scope) => Guard {
  return (scope) => async (request) => {
    const token = requireToken(request);
    const claims = await countAuthFailures(limits, request, () => verifyToken(token));
    // The list of fields has no field in its path, and shows only those that the token covers.
    const { field } = request.params as { field?: FieldId };
    if (field === undefined) assertScope(claims, scope);
    else if (scope === 'field:write') request.writer = authorizeWriter(claims, field, request.address);
    else assertAccess(claims, scope, field);
    request.claims = claims;
    request.rateLimiter = scope === 'field:write' ? limits.updates : limits.reads;
    request.rateLimiter.consume(createCaller(claims, request.address), computePoints(request));
  };
}

/** Replaying updates costs far more than a read from the cache. */
const replayPoints = 20;
export const logPagePoints = 5;
/** The particles and cells of each field on the page are counted. */
const listPoints = 10;

/** The points of the request itself. Updates are charged in addition, one point each, when they are accepted. */
function computePoints({ method, query, headers, routeOptions }: FastifyRequest): number {
  if (method !== 'GET' && method !== 'HEAD') {
    const declaredBytes = Number(headers['content-length'] ?? maxRequestBytes);
    return 1 + computeSizePoints(Math.min(declaredBytes, maxRequestBytes));
  }
  if (typeof query === 'object' && query !== null && 'at' in query) return replayPoints;
  if (routeOptions.url === '/api/fields') return listPoints;
  return routeOptions.url && /\/(updates|export)$/.test(routeOptions.url) ? logPagePoints : 1;
}

/** Charges the address of a request with an invalid token. @throws FieldError `rate_limited` when it has no points left */
export async function countAuthFailures(
  limits: Pick<RateLimits, 'failedLogins'>,
  request: Pick<FastifyRequest, 'address'>,
  verify: () => Promise<Claims>,
): Promise<Claims> {
  try {
    return await verify();
  } catch (error) {
    if (error instanceof FieldError && error.code === 'unauthorized')
      limits.failedLogins.consume(addressKey(request.address), 1);
    throw error;
  }
}

/** @throws FieldError `forbidden` */
export function assertAccess(claims: Claims, scope: Scope, field: FieldId): void {
  assertScope(claims, scope);
  if (!coversField(claims, field)) throw createFieldNotCoveredError();
}

/** @throws FieldError `forbidden` when the token lacks the scope, the field or a device */
export function authorizeWriter(claims: Claims, field: FieldId, ip: string): Writer {
  assertScope(claims, 'field:write');
  const pattern = findPattern(claims, field);
  if (pattern === undefined) throw createFieldNotCoveredError();
  if (claims.device === undefined) {
    throw new FieldError('forbidden', { detail: 'The token names no device, and only a device can write' });
  }
  const { tokenId, issuedAt } = toTokenIdentity(claims);
  const token = { ...(tokenId === undefined ? {} : { tokenId }), ...(issuedAt === undefined ? {} : { issuedAt }) };
  return {
    field,
    device: claims.device,
    user: claims.sub,
    caller: createCaller(claims, ip),
    grant: { pattern, ...token },
  };
}

export function hasWriteAccess(claims: Claims, field: FieldId): boolean {
  return hasScope(claims, 'field:write') && claims.device !== undefined && coversField(claims, field);
}

function assertScope(claims: Claims, scope: Scope): void {
  if (!hasScope(claims, scope)) throw new FieldError('forbidden', { detail: `The token lacks the scope ${scope}` });
}

function createFieldNotCoveredError(): FieldError {
  return new FieldError('forbidden', { detail: 'The token does not cover this field' });
}

/** Adds the revocation check to the verification of a token. */
export function withRevocationCheck(verifyToken: VerifyToken, revocations: RevocationList): VerifyToken {
  return async (token) => {
    const claims = await verifyToken(token);
    if (revocations.isRevoked(toTokenIdentity(claims))) throw new FieldError('token_revoked');
    return claims;
  };
}

/** The claims that the guard has set. */
export function requireClaims(request: FastifyRequest): Claims {
  if (!request.claims) throw new FieldError('unauthorized');
  return request.claims;
}

/** The writer that the guard for `field:write` has set. */
export function requireWriter(request: FastifyRequest): Writer {
  if (!request.writer) throw new FieldError('unauthorized');
  return request.writer;
}

/** @throws FieldError `unauthorized` when there is none */
export function requireToken(request: FastifyRequest): string {
  const token = extractToken(request);
  if (token === undefined) throw new FieldError('unauthorized', { detail: 'Send `Authorization: Bearer <token>`' });
  return token;
}

/** From the header, or from the subprotocols of an upgrade, because browsers cannot set headers for a WebSocket. */
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
