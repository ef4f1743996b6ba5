/** The door to what operators see: a token with the scope `operator`, or HTTP Basic with the admin password. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasScope } from '../shared/contract/token.ts';
import { FieldError } from '../shared/errors.ts';
import type { VerifyToken } from '../shared/tokens.ts';
import { bearerOf, countFailures } from './auth.ts';
import type { Limits } from './limits/limits.ts';
import { sendProblem } from './problems.ts';

const operatorName = 'operator';

interface OperatorDoor {
  readonly verifyToken: VerifyToken;
  readonly limits: Limits;
  /** Without one, only tokens open the door. */
  readonly password: string | undefined;
}

/** Answers by itself instead of throwing: Bull Board brings an error handler of its own. */
export function createOperatorGuard(door: OperatorDoor) {
  const challenge = door.password ? 'Basic realm="operator", charset="UTF-8", Bearer' : 'Bearer';
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const refusal = (await findRefusal(door, request)) ?? findForgery(request);
    if (!refusal) return undefined;
    if (refusal.code !== 'forbidden') reply.header('www-authenticate', challenge);
    return sendProblem(reply, refusal);
  };
}

async function findRefusal(door: OperatorDoor, request: FastifyRequest): Promise<FieldError | undefined> {
  const { limits, password } = door;
  const { headers, ip } = request;
  try {
    if (password && isBasic(headers.authorization)) {
      // Who has guessed too often is not told when he guesses right.
      limits.failedLogins.checkLeft(ip);
      if (isOperatorPassword(headers.authorization, password)) return undefined;
      limits.failedLogins.take(ip, 1);
    }
    const token = bearerOf(headers.authorization);
    if (token === undefined) return new FieldError('unauthorized', { detail: 'Operators only' });
    if (hasScope(await countFailures(limits, request, () => door.verifyToken(token)), 'operator')) return undefined;
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
  const given = Buffer.from(credentials, 'base64').toString('utf8');
  return timingSafeEqual(digest(given), digest(`${operatorName}:${password}`));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** A browser sends Basic credentials along with whatever another site makes it ask for. */
function findForgery({ method, headers }: FastifyRequest): FieldError | undefined {
  if (method === 'GET' || method === 'HEAD' || headers.origin === undefined) return undefined;
  const sameHost = URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
  return sameHost ? undefined : new FieldError('forbidden', { detail: 'Not from another site' });
}
