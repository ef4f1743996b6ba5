/** Authenticates operators: a token with the scope `operator`, or HTTP Basic with the admin password. */
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

/** Answers by itself instead of throwing: Bull Board brings an error handler of its own. */
export function createOperatorGuard(deps: OperatorAuthDeps) {
  // One header line for each scheme: Chromium ignores Basic when another scheme follows it on the same line.
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
      // After too many failures even the right password is refused, so that guessing learns nothing.
      limits.failedLogins.assertRemaining(ip);
      if (isOperatorPassword(headers.authorization, password)) return undefined;
      limits.failedLogins.consume(ip, 1);
    }
    const token = parseBearerToken(headers.authorization);
    if (token === undefined) return new FieldError('unauthorized', { detail: 'Operators only' });
    if (hasScope(await countAuthFailures(limits, request, () => deps.verifyToken(token)), 'operator')) return undefined;
    return new FieldError('forbidden', { detail: 'The token lacks the scope operator' });
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

/** A browser sends Basic credentials along with whatever another site makes it ask for. */
function findCrossSiteError({ method, headers }: FastifyRequest): FieldError | undefined {
  if (method === 'GET' || method === 'HEAD' || headers.origin === undefined) return undefined;
  const isSameHost = URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
  return isSameHost ? undefined : new FieldError('forbidden', { detail: 'Not from another site' });
}
