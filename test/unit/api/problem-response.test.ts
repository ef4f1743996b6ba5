import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import t from 'tap';
import { decorateRequests } from '../../../api/fastify-types.ts';
import { createMetrics } from '../../../api/metrics.ts';
import { addErrorHandler } from '../../../api/plugins/error-handler.ts';
import { addRequestLogging } from '../../../api/plugins/request-logging.ts';
import { FieldError } from '../../../shared/errors.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { waitUntil } from '../../support/wait-until.ts';

type Line = Record<string, unknown>;

async function requestBrokenRoute(showDetails: boolean) {
  const app = Fastify().withTypeProvider<ZodTypeProvider>();
  decorateRequests(app);
  addErrorHandler(app, { metrics: createMetrics(), showDetails });
  app.get('/broken', () => {
    throw new Error('relation "secrets" does not exist');
  });
  const response = await app.inject('/broken');
  await app.close();
  return response;
}

t.test('the message of an internal error is sent in development only', async (t) => {
  const development = await requestBrokenRoute(true);
  t.equal(development.statusCode, 500);
  t.match(development.json(), { code: 'internal', detail: 'relation "secrets" does not exist' });
  t.notMatch(development.body, /at .*\.ts/, 'the stack is not sent');
  const production = await requestBrokenRoute(false);
  t.equal(production.statusCode, 500);
  t.match(production.json(), { code: 'internal' });
  t.notMatch(production.body, /relation|secrets|at .*\.ts/);
});

t.test('errors are sampled by code in the log, and every internal error is logged', async (t) => {
  const lines: Line[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const log = createLogger({ name: 'test', level: 'info' }, { write });
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
  }).withTypeProvider<ZodTypeProvider>();
  t.teardown(() => app.close());
  decorateRequests(app);
  const metrics = createMetrics();
  addRequestLogging(app, log, metrics);
  addErrorHandler(app, { metrics, showDetails: false, reportIntervalMs: 100 });
  app.get('/full', () => {
    throw new FieldError('overloaded', { cause: new Error('the reason') });
  });
  app.get('/broken', () => {
    throw new Error('broken');
  });
  const linesOf = (msg: string) => lines.filter((line) => line.msg === msg);
  const countSuppressed = () => linesOf('suppressed request errors').reduce((sum, { count }) => sum + Number(count), 0);
  for (let request = 0; request < 20; request++) await app.inject('/full?secret=1');
  await waitUntil(
    'every request is logged or counted',
    async () => linesOf('request rejected').length + countSuppressed() === 20,
  );
  t.match(linesOf('request rejected')[0], {
    ...{ level: 40, code: 'overloaded', url: '/full', reqId: /./ },
    err: { message: 'the reason' },
  });
  t.ok(countSuppressed() > 0, 'some errors are only counted');
  t.equal(
    linesOf('request finished').filter(({ code }) => code === 'overloaded').length,
    20,
    'every line of the access log has the error code',
  );

  for (let request = 0; request < 3; request++) await app.inject('/broken');
  t.equal(linesOf('request failed').length, 3);
});
