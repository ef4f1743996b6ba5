/** Health of the process, for people, load balancers and orchestrators. These routes need no token. */
import { z } from 'zod';
import { timeSchema } from '../../shared/contract/ids.ts';
import { FieldError } from '../../shared/errors.ts';
import type { App } from '../fastify-types.ts';
import type { Health } from '../health/health-check.ts';
import { problems } from './schemas.ts';

const checkSchema = z.strictObject({
  status: z.enum(['up', 'down']),
  latencyMs: z.number(),
  detail: z.string().optional(),
  backlog: z.int().optional(),
  full: z.boolean().optional(),
  count: z.int().optional(),
});
export const healthSchema = z
  .strictObject({
    status: z.enum(['healthy', 'degraded', 'unhealthy']),
    checks: z.strictObject({ database: checkSchema, cache: checkSchema, queue: checkSchema, workers: checkSchema }),
    timestamp: timeSchema,
  })
  .meta({ id: 'Health' });
export const rootSchema = z
  .strictObject({
    status: z.enum(['ok', 'degraded']),
    database: z.boolean(),
    redis: z.boolean(),
    timestamp: timeSchema,
  })
  .meta({ id: 'Status' });
const liveSchema = z.strictObject({ status: z.literal('live') });
const readySchema = z.strictObject({ status: z.literal('ready') });

interface HealthRoutesDeps {
  readonly check: () => Promise<Health>;
  readonly isStopping: () => boolean;
}

export function addHealthRoutes(app: App, { check, isStopping }: HealthRoutesDeps): void {
  const sharedSchema = { tags: ['health'], security: [] };

  app.get('/api', { schema: { hide: true } }, async (_request, reply) => reply.redirect('/api/', 308));

  app.get(
    '/api/',
    {
      schema: {
        ...sharedSchema,
        operationId: 'readStatus',
        summary: 'Read a short status',
        description: '`degraded` when a database or a Redis does not answer.',
        response: { 200: rootSchema, ...problems },
      },
    },
    async (_request, reply) => {
      const { checks } = await check();
      const database = checks.database.status === 'up';
      const redis = checks.cache.status === 'up' && checks.queue.status === 'up';
      return reply.send({ status: database && redis ? 'ok' : 'degraded', database, redis, timestamp: Date.now() });
    },
  );

  app.get(
    '/api/health',
    {
      schema: {
        ...sharedSchema,
        operationId: 'readHealth',
        summary: 'Read the health of the process and its dependencies',
        description: '503 when updates or reads cannot be served, or when admission control refuses updates.',
        response: { 200: healthSchema, 503: healthSchema, '4xx': problems['4xx'] },
      },
    },
    async (_request, reply) => {
      const { status, checks } = await check();
      return reply.code(status === 'unhealthy' ? 503 : 200).send({ status, checks, timestamp: Date.now() });
    },
  );

  app.get(
    '/api/health/live',
    {
      schema: {
        ...sharedSchema,
        operationId: 'checkLiveness',
        summary: 'Liveness probe',
        description: 'Answers as long as the process serves requests.',
        response: { 200: liveSchema, ...problems },
      },
    },
    // Lets pages of any origin detect that the server is reachable, and therefore that only CORS keeps them from using it.
    async (_request, reply) => reply.header('cross-origin-resource-policy', 'cross-origin').send({ status: 'live' }),
  );

  app.get(
    '/api/health/ready',
    {
      schema: {
        ...sharedSchema,
        operationId: 'checkReadiness',
        summary: 'Readiness probe',
        description: '503 while the process stops, and while it can serve neither updates nor reads.',
        response: { 200: readySchema, ...problems },
      },
    },
    async (_request, reply) => {
      if (isStopping()) throw new FieldError('shutting_down');
      const { canRead, canWrite } = await check();
      // A full queue does not make the process unready: reads are served, and it is as full for every other process.
      if (!canWrite) throw new FieldError('queue_unavailable');
      if (!canRead) throw new FieldError('reads_unavailable');
      return reply.send({ status: 'ready' });
    },
  );
}
