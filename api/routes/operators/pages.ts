/** The pages for operators: the overview, the search for updates, dead letters. Each is JSON as well, with `?format=json`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type RunChange, runChanges } from '../../../db/operators/enqueue-run.ts';
import { FieldError } from '../../../shared/errors.ts';
import type { DeadLetterAction } from '../../../shared/queue/dead-letters.ts';
import { auditFilterSchema, findActions, type ListActions, renderAuditPage } from '../../operators/audit/audit-page.ts';
import {
  deadLettersActionSchema,
  deadLettersQuerySchema,
  toDeadLetterFilter,
} from '../../operators/dead-letters/dead-letter-filter.ts';
import {
  actOnDeadLetters,
  type DeadLetterQueues,
  describeActions,
  findDeadLetters,
} from '../../operators/dead-letters/find-dead-letters.ts';
import { renderConfirmation, renderDeadLettersPage } from '../../operators/dead-letters/render-dead-letters.ts';
import { hasOperatorScope } from '../../operators/operator-guard.ts';
import type { OperatorLog } from '../../operators/operator-log.ts';
import type { ReadOverview } from '../../operators/overview/read-overview.ts';
import { renderOverview } from '../../operators/overview/render-overview.ts';
import { addFormParser } from '../../operators/pages/form-body.ts';
import { liveScript } from '../../operators/pages/live-script.ts';
import { formatShape, type ParsedQuery, parseQuery, toQuery } from '../../operators/pages/query.ts';
import { renderUpdatesPage } from '../../operators/search/render-updates.ts';
import { type SearchUpdates, updatesFilterSchema } from '../../operators/search/search-updates.ts';

const path = '/admin';
const maxScanned = 5000;
const maxPerAction = 1000;
const actions = ['retry', 'discard'] as const satisfies DeadLetterAction[];
const options = { schema: { hide: true } };
const runChangeSchema = z.object({ run: z.uuid(), ...formatShape });

export interface OperatorPagesDeps {
  readonly producer: DeadLetterQueues;
  readonly operatorLog: Pick<OperatorLog, 'record'>;
  readonly readOverview: ReadOverview;
  readonly searchUpdates: SearchUpdates;
  readonly listOperatorActions: ListActions;
  /** @returns whether the run was in a status in which this can be done */
  readonly changeRun: (id: string, change: RunChange) => Promise<boolean>;
}

/** @param scope in which a guard requires `board:read` for reading, and `board:write` for everything else */
export function addOperatorPages(scope: FastifyInstance, deps: OperatorPagesDeps): void {
  addFormParser(scope);
  scope.addHook('onRequest', (_request, reply, done) => {
    // With `no-referrer`, browsers would send forms with `Origin: null`, as from another site.
    reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'same-origin' });
    done();
  });
  scope.get(path, options, (request, reply) => reply.redirect(`${request.forwardedPrefix}${path}/`, 308));
  scope.get(`${path}/live.js`, options, (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(liveScript),
  );
  addOverview(scope, deps);
  addRuns(scope, deps);
  addSearch(scope, deps);
  addDeadLetters(scope, deps);
  addAudit(scope, deps);
}

function addOverview(scope: FastifyInstance, { readOverview }: OperatorPagesDeps): void {
  scope.get(`${path}/overview`, options, async (_request, reply) => reply.send(await readOverview()));
  scope.get<{ Querystring: { reload?: unknown } }>(`${path}/`, options, async (request, reply) => {
    const isReloading = request.query.reload !== 'off';
    return sendPage(reply, renderOverview(await readOverview(), { ...frameOf(request), isReloading }));
  });
}

function addRuns(scope: FastifyInstance, { changeRun, operatorLog, readOverview }: OperatorPagesDeps): void {
  for (const change of Object.keys(runChanges) as RunChange[]) {
    scope.post(`${path}/runs/${change}`, options, async (request, reply) => {
      const { filter, errors } = parseQuery(runChangeSchema, request.body);
      if (!filter) throw new FieldError('invalid_input', { detail: errors.join('; ') });
      const by = { operator: request.operator?.name ?? '', origin: request.address };
      await operatorLog.record({ action: `runs.${change}`, target: filter.run, ...by });
      const isChanged = await changeRun(filter.run, change).catch((cause: unknown) => {
        throw new FieldError('database_unavailable', { detail: 'The run was not changed', cause });
      });
      const { from, to } = runChanges[change];
      const detail = `Only a run that is ${from.join(' or ')} can be ${to}`;
      if (!isChanged) throw new FieldError('invalid_input', { detail });
      if (filter.format === 'json') return reply.send({ run: filter.run, status: to });
      await readOverview(0);
      return reply.redirect(`${request.forwardedPrefix}${path}/`, 303);
    });
  }
}

function addSearch(scope: FastifyInstance, { searchUpdates }: OperatorPagesDeps): void {
  scope.get(`${path}/search`, options, async (request, reply) => {
    let query = parseQuery(updatesFilterSchema, request.query);
    if (query.filter?.format === 'json') return reply.send(await searchUpdates(query.filter));
    assertPage(query);
    const isAsked = Object.keys(query.values).length > 0;
    const found =
      query.filter && isAsked
        ? await searchUpdates(query.filter).catch((error: unknown) => {
            if (!(error instanceof FieldError)) throw error;
            query = { ...query, errors: [error.message] };
            return undefined;
          })
        : undefined;
    reply.code(query.errors.length > 0 ? 400 : 200);
    return sendPage(reply, renderUpdatesPage({ ...frameOf(request), query, found }));
  });
}

function addDeadLetters(scope: FastifyInstance, { producer, operatorLog }: OperatorPagesDeps): void {
  const find = ({ log }: FastifyRequest, filter: Parameters<typeof toDeadLetterFilter>[0]) =>
    findDeadLetters({ producer, log }, toDeadLetterFilter(filter), { maxScanned, maxFound: maxPerAction });

  scope.get(`${path}/dead-letters`, options, async (request, reply) => {
    const query = parseQuery(deadLettersQuerySchema, request.query);
    const found = query.filter && (await find(request, query.filter));
    if (query.filter?.format === 'json') return reply.send(found);
    assertPage(query);
    reply.code(query.errors.length > 0 ? 400 : 200);
    return sendPage(reply, renderDeadLettersPage({ ...frameOf(request), query, found }));
  });

  for (const action of actions) {
    scope.get(`${path}/dead-letters/${action}`, options, async (request, reply) => {
      const query = parseQuery(deadLettersQuerySchema, request.query);
      const { filter } = query;
      if (!filter) throw new FieldError('invalid_input', { detail: query.errors.join('; ') });
      const at = Date.now();
      const page = { ...frameOf(request), action, query, maxPerAction, at };
      return sendPage(reply, renderConfirmation({ ...page, found: await find(request, filter) }));
    });

    scope.post(`${path}/dead-letters/${action}`, options, async (request, reply) => {
      const { filter, errors } = parseQuery(deadLettersActionSchema, request.body);
      if (!filter) throw new FieldError('invalid_input', { detail: errors.join('; ') });
      const { total, letters } = await find(request, filter);
      if (Math.min(total, maxPerAction) > filter.expected) {
        const detail = `${total} dead letters match, and ${filter.expected} were confirmed. Nothing was changed`;
        throw new FieldError('invalid_input', { detail });
      }
      const by = { operator: request.operator?.name ?? '', origin: request.address };
      await operatorLog.record(...describeActions(action, letters).map((each) => ({ ...each, ...by })));
      const changed = await actOnDeadLetters(producer, action, letters).catch((cause: unknown) => {
        throw new FieldError('queue_unavailable', { detail: 'Some of them may have been changed', cause });
      });
      if (filter.format === 'json') return reply.send({ action, changed });
      const query = toQuery({ done: action, count: changed });
      return reply.redirect(`${request.forwardedPrefix}${path}/dead-letters${query}`, 303);
    });
  }
}

function addAudit(scope: FastifyInstance, { listOperatorActions }: OperatorPagesDeps): void {
  scope.get(`${path}/audit`, options, async (request, reply) => {
    const query = parseQuery(auditFilterSchema, request.query);
    const found = query.filter && (await findActions(listOperatorActions, query.filter));
    if (query.filter?.format === 'json') return reply.send(found);
    assertPage(query);
    reply.code(query.errors.length > 0 ? 400 : 200);
    return sendPage(reply, renderAuditPage({ ...frameOf(request), query, found }));
  });
}

/** A wrong filter is shown in the form; as JSON, it is a problem. */
function assertPage({ values, errors }: ParsedQuery<unknown>): void {
  if (values.format === 'json') throw new FieldError('invalid_input', { detail: errors.join('; ') });
}

function frameOf({ forwardedPrefix, operator }: FastifyRequest) {
  const canWrite = operator !== null && hasOperatorScope(operator, 'board:write');
  return { basePath: `${forwardedPrefix}${path}`, canWrite };
}

function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(page);
}
