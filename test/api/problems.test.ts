import Fastify from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import t from 'tap';
import { createMetrics } from '../../api/metrics.ts';
import { handleErrors } from '../../api/problems.ts';

async function answerOf(showDetails: boolean) {
  const app = Fastify().withTypeProvider<ZodTypeProvider>();
  app.decorateRequest('claims', null);
  handleErrors(app, { metrics: createMetrics(), showDetails });
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
