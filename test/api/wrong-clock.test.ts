/** An API whose wall clock is wrong: the times in responses and the limit on timestamps follow PostgreSQL's clock. */
import t from 'tap';
import { acceptedSchema } from '../../shared/contract/receipt.ts';
import { openCommitter } from '../support/committer.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { openStream } from './support/stream-client.ts';
import { withApi } from './support/with-app.ts';

const realNow = Date.now;
const hourMs = 3_600_000;
const toleranceMs = 60_000;

for (const hours of [5, -5]) {
  t.test(`an API whose clock is ${Math.abs(hours)} hours ${hours > 0 ? 'ahead' : 'behind'}`, async (t) => {
    const backing = await withBacking(t);
    const api = await withApi(t, backing);
    const token = await api.createToken({ expiresInSeconds: 24 * 3600 });
    const stream = await openStream(t, api, { token, field: 'clocks' });
    t.intercept(Date, 'now', { value: () => realNow() + hours * hourMs });

    const send = async (counter: number, timestamp: number) => {
      const body = { updates: [{ ...setCell(counter, 0, 0.5), timestamp }] };
      return acceptedSchema.parse((await api.request('/api/fields/clocks/updates', { token, body })).body);
    };
    const honest = await send(1, realNow());
    t.same(honest.adjusted, undefined, 'an honest timestamp is kept');
    t.ok(Math.abs(honest.serverTime - realNow()) < toleranceMs, 'the receipt has the right time');
    t.same((await send(2, realNow() + 2 * hourMs)).adjusted, [2], 'a timestamp two hours ahead is lowered');
    stream.send({ type: 'ping' });
    const { serverTime } = await stream.find('pong');
    t.ok(Math.abs(serverTime - realNow()) < toleranceMs, 'the answer to a ping has the right time');
  });
}

t.test('an API whose clock is set back goes on looking for what its streams have missed', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing);
  const token = await api.createToken({ expiresInSeconds: 24 * 3600 });
  const stream = await openStream(t, api, { token, field: 'missed' });
  await stream.find('snapshot');
  t.intercept(Date, 'now', { value: () => realNow() - 5 * hourMs });
  const field = asField('missed');
  const committer = openCommitter(backing.db); // It publishes nothing.
  await committer.commit(new Map([[field, [jobOf(field, asDevice('phone-2'), [setCell(1, 0, 0.5)])]]]));
  await stream.waitForVersion(1);
});
