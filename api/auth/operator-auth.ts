/** Authenticates operators, by a token with the scope `operator` or by HTTP Basic with the admin password. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { VerifyToken } from '../../shared/auth/jwt.ts';
import { hasScope } from '../../shared/contract/token.ts';
import { FieldError } from '../../shared/errors.ts';
import { sendProblem } from '../http/problem-response.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';
import { countAuthFailures, parseBearerToken } from './field-auth.ts';

const operatorName = 'operator';

interface OperatorAuthDeps {
  readonly verifyToken: VerifyToken;
  readonly limits: RateLimits;
  /** Without a password, only tokens are accepted. */
  readonly password: string | undefined;
}

/** @returns an `onRequest` hook that sends the problem itself, because Bull Board has its own error handler */
export function createOperatorGuard(deps: OperatorAuthDeps) {
  // One header line per scheme: Chromium ignores Basic when another scheme follows it on the same line.
  const challenges = deps.password ? ['Basic realm="operator", charset="UTF-8"', 'Bearer'] : ['Bearer'];
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const authError = (await findAuthError(deps, request)) ?? findCrossSiteError(request);
    if (!authError) return undefined;
    if (authError.code !== 'forbidden') reply.header('www-authenticate', challenges);
    return sendProblem(reply, authError);
  };
}

async function findAuthError(deps: OperatorAuthDeps, request: FastifyRequest): Promise<FieldError | undefined> {
  const { limits, password } = deps;
  const { headers, ip } = request;
  try {
    if (password && isBasic(headers.authorization)) {
      // After too many failures the right password is refused as well, so that guessing reveals nothing.
      limits.failedLogins.assertRemaining(ip, 1);
      if (isOperatorPassword(headers.authorization, password)) return undefined;
      limits.failedLogins.consume(ip, 1);
    }
    const token = parseBearerToken(headers.authorization);
    if (token === undefined) return new FieldError('unauthorized', { detail: 'This route is for operators' });
    if (hasScope(await countAuthFailures(limits, request, () => deps.verifyToken(token)), 'admin')) return undefined;
    return new FieldError('forbidden', { detail: 'The token lacks the scope admin' });
  } catch (error) {
    if (error instanceof FieldError) return error;
    throw error;
  }
}

function isBasic(header: string | undefined): header is string {
  return header?.toLowerCase().startsWith('basic ') === true;
}

function isOperatorPassword(header: string, password: string): boolean {
  const credentials = header.split(' ')[1] ?? '';
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  return timingSafeEqual(digest(decoded), digest(`${operatorName}:${password}`));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Against cross-site request forgery: browsers add Basic credentials to requests that other sites cause. */
function findCrossSiteError({ method, headers }: FastifyRequest): FieldError | undefined {
  if (method === 'GET' || method === 'HEAD' || headers.origin === undefined) return undefined;
  const isSameHost = URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
  return isSameHost ? undefined : new FieldError('forbidden', { detail: 'Requests from other sites are refused' });
}
