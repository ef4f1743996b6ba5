/** A device sends counters that are behind the retention, as a phone does that was restored from an old backup. */
import t from 'tap';
import { pruneLogs } from '../../workers/maintenance/prune-logs.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { readStored } from '../support/read-back.ts';
import { asField, setCell } from '../support/updates.ts';
import { openStream } from './support/stream-client.ts';
import { withApi } from './support/with-app.ts';

const field = asField('expired');
const path = `/api/fields/${field}/updates`;

t.test('a counter behind the retention is expired, whatever its content, and is not applied', async (t) => {
  const backing = await withBacking(t, { LOG_RETENTION_DAYS: '1' });
  await withWorker(t, backing);
  const api = await withApi(t, backing);
  const token = await api.createToken();
  const send = async (...updates: object[]) => {
    const { body } = await api.request(path, { token, body: { updates }, headers: { prefer: 'wait=20' } });
    return body.results;
  };
  await send(setCell(1, 1, 0.1), setCell(2, 2, 0.2), setCell(3, 3, 0.3));
  await backing.db('field_updates').update({ logged_at: 0 });
  t.equal(await pruneLogs({ ...backing }), 3);
  await send(setCell(4, 4, 0.4));
  const before = await readStored(backing, field);
  const watcher = await openStream(t, api, { token, field });
  await watcher.find('snapshot');

  const results = await send(setCell(2, 2, 0.2), setCell(3, 20, 0.9), setCell(4, 4, 0.4));
  t.match(results, [
    { counter: 2, outcome: 'expired' },
    { counter: 3, outcome: 'expired' },
    { counter: 4, outcome: 'duplicate', version: 4 },
  ]);
  t.equal(await readStored(backing, field), before);
  const delta = await watcher.find('delta', ({ updates }) => updates.length > 0);
  t.same(
    delta.updates.map(({ counter, outcome }) => [counter, outcome]),
    [
      [2, 'expired'],
      [3, 'expired'],
      [4, 'duplicate'],
    ],
    'watchers learn of it as well',
  );
  t.match(await send(setCell(5, 20, 0.9)), [{ outcome: 'applied', version: 5 }]);
});
