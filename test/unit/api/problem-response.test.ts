import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import t from 'tap';
import { createMetrics } from '../../../api/metrics.ts';
import { addErrorHandler } from '../../../api/plugins/error-handler.ts';
import { addRequestLogging } from '../../../api/plugins/request-logging.ts';
import { FieldError } from '../../../shared/errors.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { waitUntil } from '../../support/wait-until.ts';

type Line = Record<string, unknown>;

async function answerOf(showDetails: boolean) {
  const app = Fastify().withTypeProvider<ZodTypeProvider>();
  app.decorateRequest('claims', null);
  addErrorHandler(app, { metrics: createMetrics(), showDetails });
  app.get('/broken', () => {
    throw new Error('relation "secrets" does not exist');
  });
  const answer = await app.inject('/broken');
  await app.close();
  return answer;
}

t.test('what went wrong here is told to a developer, and to nobody else', async (t) => {
  const open = await answerOf(true);
  t.equal(open.statusCode, 500);
  t.match(open.json(), { code: 'internal', detail: 'relation "secrets" does not exist' });
  t.notMatch(open.body, /at .*\.ts/, 'but never the stack');
  const closed = await answerOf(false);
  t.equal(closed.statusCode, 500);
  t.match(closed.json(), { code: 'internal' });
  t.notMatch(closed.body, /relation|secrets|at .*\.ts/);
});

t.test('what cannot be served is told once in full, then how often; a broken request each time', async (t) => {
  const lines: Line[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  const log = createLogger({ name: 'test', level: 'info' }, { write });
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
  }).withTypeProvider<ZodTypeProvider>();
  t.teardown(() => app.close());
  app.decorateRequest('claims', null);
  const metrics = createMetrics();
  addRequestLogging(app, log, metrics);
  addErrorHandler(app, { metrics, showDetails: false, reportIntervalMs: 100 });
  app.get('/full', () => {
    throw new FieldError('overloaded', { cause: new Error('the reason') });
  });
  app.get('/broken', () => {
    throw new Error('broken');
  });
  const told = (msg: string) => lines.filter((line) => line.msg === msg);
  const counted = () => told('suppressed request errors').reduce((sum, { count }) => sum + Number(count), 0);
  for (let request = 0; request < 20; request++) await app.inject('/full?secret=1');
  await waitUntil('none is left out', async () => told('request rejected').length + counted() === 20);
  t.match(told('request rejected')[0], {
    ...{ level: 40, code: 'overloaded', url: '/full', reqId: /./ },
    err: { message: 'the reason' },
  });
  t.ok(counted() > 0, 'others are counted');
  t.equal(told('request finished').filter(({ code }) => code === 'overloaded').length, 20, 'and each has its code');

  for (let request = 0; request < 3; request++) await app.inject('/broken');
  t.equal(told('request failed').length, 3);
});
