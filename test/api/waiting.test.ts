import t from 'tap';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
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

t.test('requests that only wait for results do not count as bodies that are being received', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing, { LIMIT_UPDATES: '1000000' });
  const token = await api.createToken();
  const ended = new AbortController();
  const countAccepted = async () => {
    const { text } = await api.request('/metrics');
    return Number(/^field_updates_accepted_total\{.*\} (\d+)$/m.exec(text)?.[1]);
  };
  const waiting: Promise<unknown>[] = [];
  const send = (counter: number) => {
    const text = JSON.stringify({ updates: [setCell(counter, 0, 0.5)] });
    return fetch(`${api.address}/api/fields/waiting/updates`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer: 'wait=30' },
      body: new Blob([text]).stream(),
      duplex: 'half',
      signal: ended.signal,
    } as RequestInit).catch(() => undefined);
  };
  // Each is counted with a mebibyte until it is accepted, since it does not declare its length. 128 may be received at once.
  for (const total of [1, 70, 140]) {
    while (waiting.length < total) waiting.push(send(waiting.length + 1));
    await waitUntil('all are accepted', async () => (await countAccepted()) === total);
  }
  const body = { updates: [setCell(1000, 0, 0.5)] };
  t.equal((await api.request('/api/fields/waiting/updates', { token, body })).status, 202);
  ended.abort();
  await Promise.all(waiting);
});
