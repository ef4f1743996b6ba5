/** Routes for operators: their pages, Bull Board and, in production, the metrics. Each is guarded by a hook in its own scope. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createBullBoard } from '@bull-board/api';
import type { IServerAdapter } from '@bull-board/api/typings/app';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../../shared/config/config.ts';
import type { OperatorScope } from '../../shared/contract/token.ts';
import { FieldError } from '../../shared/errors.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';
import { sendProblem } from '../http/problem-response.ts';
import type { ApiMetrics } from '../metrics.ts';
import { assertHarmless, describeBoardAction, parseBoardAction } from '../operators/board-actions.ts';
import { createFallbackAdapter, createPartitionAdapter } from '../operators/board-queues.ts';
import { type CreateOperatorGuard, hasOperatorScope } from '../operators/operator-guard.ts';
import type { OperatorLog } from '../operators/operator-log.ts';
import { addOperatorPages, type OperatorPagesDeps } from './operators/pages.ts';

const boardPath = '/admin/queues';

interface OperatorRoutesDeps {
  readonly config: Config;
  readonly createGuard: CreateOperatorGuard;
  readonly producer: Pick<UpdateProducer, 'queues' | 'findFallbackQueue'>;
  readonly metrics: ApiMetrics;
  readonly operatorLog: OperatorLog;
  readonly pages: OperatorPagesDeps;
}

export function addOperatorRoutes(app: FastifyInstance, deps: OperatorRoutesDeps): void {
  const { config, createGuard, producer, metrics, operatorLog, pages } = deps;

  app.register(async (scope) => {
    scope.addHook('onRequest', createGuard(scopeFor));
    addOperatorPages(scope, pages);
  });

  // The hooks and the board must share a scope, because a hook of a sibling scope would not run.
  app.register(async (scope) => {
    scope.addHook('onRequest', createGuard(scopeFor));
    const board = new FastifyAdapter();
    // The adapter was compiled against another copy of the same types.
    const serverAdapter = board as unknown as IServerAdapter;
    const { replaceQueues } = createBullBoard({
      queues: [],
      serverAdapter,
      options: { uiConfig: { boardTitle: 'Field queues', hideDocsLink: true } },
    });
    const isWritable = new AsyncLocalStorage<boolean>();
    // The number of queues grows with the number of workers.
    scope.addHook('onRequest', async () => {
      const canWrite = () => isWritable.getStore() === true;
      const partitions = producer.queues.all.map((queue) => createPartitionAdapter(queue, canWrite));
      const fallback = await producer.findFallbackQueue();
      replaceQueues(fallback ? [...partitions, createFallbackAdapter(fallback)] : partitions);
    });
    scope.addHook('onRequest', (request, _reply, done) => {
      isWritable.run(request.operator !== null && hasOperatorScope(request.operator, 'board:write'), done);
    });
    scope.addHook('preHandler', async (request, reply) => {
      if (isReading(request)) return undefined;
      const path = (request.routeOptions.url ?? '').slice(boardPath.length);
      const action = parseBoardAction(path, request.params as Record<string, string>);
      try {
        const queue = producer.queues.all.find(({ name }) => name === action.queueName);
        if (action.queueName !== undefined && !queue)
          throw new FieldError('forbidden', { detail: 'Nothing can be changed in this queue' });
        await assertHarmless(action, queue);
        await operatorLog.record(describeBoardAction(action, request));
        return undefined;
      } catch (error) {
        if (error instanceof FieldError) return sendProblem(reply, error);
        throw error;
      }
    });
    board.setBasePath(boardPath);
    // The page resolves all its links against its base, which the adapter sets once for all requests.
    scope.addHook('onSend', async ({ forwardedPrefix }, _reply, payload) =>
      forwardedPrefix && typeof payload === 'string'
        ? payload.replace(`<base href="${boardPath}`, `<base href="${forwardedPrefix}${boardPath}`)
        : payload,
    );
    await scope.register(board.registerPlugin(), { prefix: boardPath });
  });

  app.register(async (scope) => {
    if (config.isProduction) {
      scope.addHook(
        'onRequest',
        createGuard(() => 'metrics:read'),
      );
    }
    scope.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
      reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
    );
  });
}

function scopeFor(request: FastifyRequest): OperatorScope {
  return isReading(request) ? 'board:read' : 'board:write';
}

function isReading({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}
