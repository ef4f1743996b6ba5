/** `GET /api/changes`: the changes of all fields as a stream of lines, for data pipelines. */
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { ChangeFeedReader } from '../../../db/read/changes/read-changes.ts';
import type { VerifyToken } from '../../../shared/auth/jwt.ts';
import { FieldError } from '../../../shared/errors.ts';
import { feedStart, parseChangeCursor } from '../../../shared/exchange/change-cursor.ts';
import { parseBearerToken } from '../../auth/field-auth.ts';
import { renderChanges } from '../../changes/change-lines.ts';
import type { ChangeSignal } from '../../changes/change-signal.ts';
import type { App } from '../../fastify-types.ts';
import { linesHeaders, sendLines } from '../../http/send-lines.ts';
import { hasOperatorScope } from '../../operators/operator-guard.ts';
import type { OperatorLog } from '../../operators/operator-log.ts';
import { addressKey } from '../../rate-limits/address-key.ts';
import type { RateLimits } from '../../rate-limits/rate-limits.ts';
import { queryOrUnavailable } from '../../state/state-reader.ts';
import { bearer, changesQuery, problems } from '../schemas.ts';

/** A pipeline may poll every minute. The record only shows that it reads, not how often. */
const recordIntervalMs = 3_600_000;
const maxRemembered = 1000;

const changeLines = {
  description: 'Lines of JSON: a header, changes, and `end` unless the reader follows',
  content: { 'application/x-ndjson': { schema: z.string() } },
};

interface ChangeRoutesDeps {
  readonly guard: onRequestHookHandler;
  readonly feed: ChangeFeedReader;
  readonly signal: ChangeSignal;
  readonly verifyToken: VerifyToken;
  readonly limits: Pick<RateLimits, 'newStreams' | 'streams'>;
  readonly operatorLog: OperatorLog;
  readonly isStopping: () => boolean;
}

export function addChangeRoutes(app: App, deps: ChangeRoutesDeps): void {
  const { guard, feed, signal: changes, limits, isStopping } = deps;
  const record = createRecorder(deps);
  app.get(
    '/api/changes',
    {
      onRequest: guard,
      schema: {
        operationId: 'readChanges',
        summary: 'Read the changes of all fields',
        description:
          'The entries of all logs as NDJSON, those of a field in the order of their versions. Needs the scope `changes:read`. Every line ' +
          'but the first has `next`: passed as `after`, it resumes after that line, without gaps or repetitions. With ' +
          '`follow=true`, the response continues with new entries, and has a line with only `next` at least every twenty seconds.',
        tags: ['pipelines'],
        security: bearer,
        produces: ['application/x-ndjson'],
        querystring: changesQuery,
        response: { 200: changeLines, ...problems },
      },
    },
    async (request, reply) => {
      const { after, follow, field, kind } = request.query;
      if (isStopping()) throw new FieldError('shutting_down', { retryAfterSeconds: 1 });
      const place = after === undefined ? feedStart : parseChangeCursor(after);
      await queryOrUnavailable(() => feed.assertKnown(place));
      const answer: FastifyReply = reply;
      answer.headers(linesHeaders);
      if (request.method === 'HEAD') return answer.send('');
      await record(request);
      const caller = { user: request.operator?.name ?? '', address: addressKey(request.address) };
      const lines = { feed, changes, assertAllowed: () => assertAllowed(deps, request) };
      const range = { after: place, filter: { fields: field, kinds: kind && new Set(kind) }, follow };
      return sendLines(answer, {
        ...{ limits, caller, endedEarly: 'change feed ended early' },
        render: (signal) => renderChanges({ ...lines, signal }, range),
      });
    },
  );
}

/** A token may expire or be revoked while its owner reads. Passwords change only with a restart. */
async function assertAllowed(
  { verifyToken, isStopping }: ChangeRoutesDeps,
  { headers }: FastifyRequest,
): Promise<void> {
  if (isStopping()) throw new FieldError('shutting_down');
  const token = parseBearerToken(headers.authorization);
  if (token === undefined) return;
  const { sub: name, scope: scopes } = await verifyToken(token);
  if (!hasOperatorScope({ name, scopes }, 'changes:read')) throw new FieldError('forbidden');
}

/** Records, before anything is read, that somebody reads the data of all users. */
function createRecorder({ operatorLog }: ChangeRoutesDeps) {
  const recorded = new LRUCache<string, true>({ max: maxRemembered, ttl: recordIntervalMs });
  return async ({ operator, address: origin, query }: FastifyRequest): Promise<void> => {
    const { name = '' } = operator ?? {};
    const key = `${name} ${origin}`;
    if (recorded.has(key)) return;
    const { field } = query as { field: readonly string[] };
    await operatorLog.record({ operator: name, origin, action: 'changes.read', target: field.join(',') });
    recorded.set(key, true);
  };
}
