/** Authenticates operators, by a token with an operator's scope or by name and password (HTTP Basic), and checks the scope. */
import { createHmac, randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { VerifyToken } from '../../shared/auth/jwt.ts';
import type { Operator } from '../../shared/auth/operators.ts';
import { hasScope, type OperatorScope, operatorScopes } from '../../shared/contract/token.ts';
import { FieldError } from '../../shared/errors.ts';
import { countAuthFailures, parseBearerToken } from '../auth/field-auth.ts';
import { sendProblem } from '../http/problem-response.ts';
import { addressKey } from '../rate-limits/address-key.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';
import { LoginBackoff } from './login-backoff.ts';
import type { OperatorLog } from './operator-log.ts';

/** A browser sends the password with every request, and a hash is slow to verify on purpose. */
const loginCacheMs = 5 * 60_000;
const maxCachedLogins = 1000;
/** Replaces unknown names in the log and in the backoff, since people type passwords into that field. No operator has it. */
const unknownName = '(unknown name)';

/** The operator who is logged in. */
export interface OperatorIdentity {
  readonly name: string;
  readonly scopes: readonly string[];
}

interface OperatorGuardDeps {
  readonly verifyToken: VerifyToken;
  readonly limits: Pick<RateLimits, 'failedLogins'>;
  /** Without any, only tokens are accepted. */
  readonly operators: readonly Operator[];
  readonly operatorLog: Pick<OperatorLog, 'recordFailedLogin'>;
}

export type CreateOperatorGuard = ReturnType<typeof createOperatorGuardFactory>;

type OperatorHook = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;

/**
 * Each guard is an `onRequest` hook that sends the problem itself, because Bull Board has its own error handler. It sets
 * `request.operator`.
 * @returns a function that creates a guard for a scope
 */
export function createOperatorGuardFactory(deps: OperatorGuardDeps) {
  const authenticate = createAuthenticator(deps);
  // One header line per scheme: Chromium ignores Basic when another scheme follows it on the same line.
  const challenges = deps.operators.length > 0 ? ['Basic realm="operator", charset="UTF-8"', 'Bearer'] : ['Bearer'];
  return (scopeOf: (request: FastifyRequest) => OperatorScope): OperatorHook =>
    async (request, reply) => {
      try {
        const operator = await authenticate(request);
        assertOperatorScope(operator, scopeOf(request));
        assertSameSite(request);
        request.operator = operator;
        return undefined;
      } catch (error) {
        if (!(error instanceof FieldError)) throw error;
        if (error.code !== 'forbidden') reply.header('www-authenticate', challenges);
        return sendProblem(reply, error);
      }
    };
}

/** `admin` includes every scope of operators, and writing includes reading. */
export function hasOperatorScope({ scopes }: OperatorIdentity, scope: OperatorScope): boolean {
  if (scopes.includes('admin') || scopes.includes(scope)) return true;
  return scope === 'board:read' && scopes.includes('board:write');
}

function assertOperatorScope(operator: OperatorIdentity, scope: OperatorScope): void {
  if (hasOperatorScope(operator, scope)) return;
  throw new FieldError('forbidden', { detail: `This needs the scope ${scope}, which ${operator.name} does not have` });
}

function createAuthenticator({ verifyToken, limits, operators, operatorLog }: OperatorGuardDeps) {
  const logIn = createPasswordLogin(operators, operatorLog);
  return async (request: FastifyRequest): Promise<OperatorIdentity> => {
    const { authorization } = request.headers;
    if (operators.length > 0 && authorization?.toLowerCase().startsWith('basic ')) {
      return logIn(authorization, addressKey(request.address));
    }
    const token = parseBearerToken(authorization);
    if (token === undefined) throw new FieldError('unauthorized', { detail: 'This route is for operators' });
    const claims = await countAuthFailures(limits, request, () => verifyToken(token));
    const isOperator = operatorScopes.some((scope) => hasScope(claims, scope));
    if (!isOperator) throw new FieldError('forbidden', { detail: 'The token has no operator scope' });
    return { name: claims.sub, scopes: claims.scope };
  };
}

function createPasswordLogin(operators: readonly Operator[], operatorLog: OperatorGuardDeps['operatorLog']) {
  const backoff = new LoginBackoff();
  const known = new LRUCache<string, OperatorIdentity>({ max: maxCachedLogins, ttl: loginCacheMs });
  const cacheKey = randomBytes(32);
  return async (authorization: string, address: string): Promise<OperatorIdentity> => {
    // Not the password itself: it would stay in memory for minutes.
    const credentials = createHmac('sha256', cacheKey).update(authorization).digest('base64');
    const cached = known.get(credentials);
    if (cached) return cached;
    const [name, password] = parseBasic(authorization);
    const operator = operators.find((each) => each.name === name);
    const recordedName = operator?.name ?? unknownName;
    const pair = `${address} ${recordedName}`;
    try {
      backoff.begin(pair);
    } catch (error) {
      operatorLog.recordFailedLogin(recordedName, address);
      throw error;
    }
    // A password is also checked for unknown names, so that the response time does not reveal which names exist.
    const isRight = await (operator ?? operators.at(-1))?.isPassword(password);
    if (!operator || !isRight) {
      operatorLog.recordFailedLogin(recordedName, address);
      throw new FieldError('unauthorized', { detail: 'The name or the password is wrong' });
    }
    backoff.succeed(pair);
    const identity = { name: operator.name, scopes: operator.scopes };
    known.set(credentials, identity);
    return identity;
  };
}

function parseBasic(authorization: string): [name: string, password: string] {
  const decoded = Buffer.from(authorization.split(' ').at(-1) ?? '', 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon < 0 ? [decoded, ''] : [decoded.slice(0, colon), decoded.slice(colon + 1)];
}

/** Prevents cross-site request forgery: browsers add Basic credentials even to requests that other sites cause. */
function assertSameSite({ method, headers }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD') return;
  const { origin, host, 'sec-fetch-site': site } = headers;
  const isSameHost = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
  if (!isSameHost || site === 'cross-site')
    throw new FieldError('forbidden', { detail: 'Requests from other sites are refused' });
}
