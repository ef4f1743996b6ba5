import t from 'tap';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { withApi } from './support/with-app.ts';

const attempts = 20;

t.test('of two requests in flight with one counter and different content, one is applied and one reused', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const api = await withApi(t, backing);
  const token = await api.createToken();
  const send = async (counter: number, value: number): Promise<string> => {
    const body = { updates: [setCell(counter, 0, value)] };
    const headers = { prefer: 'wait=20' };
    const answer = await api.request('/api/fields/waiting/updates', { token, body, headers });
    return answer.body.results[0].outcome;
  };
  for (let counter = 1; counter <= attempts; counter += 1) {
    const outcomes = await Promise.all([send(counter, 0.25), send(counter, 0.75)]);
    t.same(outcomes.sort(), ['applied', 'reused']);
  }
});
