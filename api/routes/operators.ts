/** Routes for operators: Bull Board and, in production, the metrics. Each is guarded by a hook in its own scope. */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { IServerAdapter } from '@bull-board/api/typings/app';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance } from 'fastify';
import type { VerifyToken } from '../../shared/auth/jwt.ts';
import type { Config } from '../../shared/config/config.ts';
import type { UpdateProducer } from '../../shared/queue/update-producer.ts';
import { createOperatorGuard } from '../auth/operator-auth.ts';
import type { ApiMetrics } from '../metrics.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';

const boardPath = '/admin/queues';

interface OperatorRoutesDeps {
  readonly config: Config;
  readonly verifyToken: VerifyToken;
  readonly limits: RateLimits;
  readonly producer: UpdateProducer;
  readonly metrics: ApiMetrics;
}

export function addOperatorRoutes(app: FastifyInstance, deps: OperatorRoutesDeps): void {
  const { config, verifyToken, limits, producer, metrics } = deps;
  const guard = createOperatorGuard({ verifyToken, limits, password: config.ADMIN_PASSWORD });

  // The hook and the board must share a scope, because a hook of a sibling scope would not run.
  app.register(async (scope) => {
    scope.addHook('onRequest', guard);
    const board = new FastifyAdapter();
    // The adapter was compiled against another copy of the same types.
    const serverAdapter = board as unknown as IServerAdapter;
    const { replaceQueues } = createBullBoard({ queues: [], serverAdapter });
    // The number of queues grows with the number of workers.
    scope.addHook('onRequest', async () => replaceQueues(producer.queues.all.map((queue) => new BullMQAdapter(queue))));
    board.setBasePath(boardPath);
    await scope.register(board.registerPlugin(), { prefix: boardPath });
  });

  app.register(async (scope) => {
    if (config.isProduction) scope.addHook('onRequest', guard);
    scope.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
      reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
    );
  });
}
