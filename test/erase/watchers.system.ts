import t from 'tap';
import { applyDelta, type ServerState, toServerState } from '../../client/state/server-state.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { openStream } from '../api/support/stream-client.ts';
import { withApi } from '../api/support/with-app.ts';
import { withWorker } from '../support/processes/with-worker.ts';
import { readStored } from '../support/read-back.ts';
import { putParticle, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { garden, jobBy, marker, searchEverywhere, withErasureTools, yan, zoe } from './support.ts';

t.test('watchers and workers keep up with an erasure in the midst of writes', async (t) => {
  const { backing, run } = await withErasureTools(t);
  const { producer, config, log, db } = backing;
  await withWorker(t, backing);
  await withWorker(t, backing);
  const api = await withApi(t, backing);
  const token = await api.createToken({ user: yan.user, device: yan.phone });
  const watcher = await openStream(t, api, { token, field: garden });
  const write = async (writer: typeof yan, counters: number, onSent: (sent: number) => void) => {
    for (let counter = 1; counter <= counters; counter++) {
      const updates = [
        counter % 3 === 0
          ? putParticle(counter, `${writer.user}-${counter % 20}`, { content: `${writer.user} ${counter}` })
          : setCell(counter, (counter * 7) % 30, (counter % 10) / 10, { seen: counter }),
      ];
      await producer.enqueue(jobBy(writer, garden, writer.phone, updates));
      onSent(counter);
    }
  };
  let isHalfway: () => void = () => undefined;
  const halfway = new Promise<void>((resolve) => {
    isHalfway = resolve;
  });
  const writing = Promise.all([
    write(yan, 300, () => undefined),
    write(zoe, 200, (sent) => (sent === 100 ? isHalfway() : undefined)),
  ]);
  await halfway;
  const during = run(['erase', '--user', zoe.user, '--yes']);
  await writing;
  t.match(await during, { code: 0 });
  const last = await run(['erase', '--user', zoe.user, '--yes']);
  t.equal(last.code, 0, last.stderr);
  await waitUntil('everything else is applied', async () => {
    const row = await db('vector_clocks').where('device_id', yan.phone).first();
    return row?.counter === 300;
  });
  t.same((await verifyField(db, garden)).differences, []);

  const stored = JSON.parse(await readStored(backing, garden));
  await watcher.waitForVersion(stored.version);
  let state: ServerState | undefined;
  for (const message of watcher.messages) {
    if (message.type === 'snapshot') state = toServerState(message.state);
    if (message.type === 'delta' && state?.view.cursor === message.from) state = applyDelta(state, message);
  }
  t.same(state?.view.cursor, stored.cursor);
  t.same(state?.view.cells, stored.cells);
  t.same(
    [...(state?.particles.keys() ?? [])].sort(),
    stored.memoryParticles.map(({ id }: { id: string }) => id).sort(),
  );
  const queueRedis = connectRedis(config.QUEUE_REDIS_URL, 'test', log);
  t.teardown(() => queueRedis.disconnect());
  t.same(await searchEverywhere(backing, queueRedis), []);
});

t.test('a watcher gets a delta that empties registers, and one that returns gets a snapshot', async (t) => {
  const { backing, run } = await withErasureTools(t);
  await withWorker(t, backing);
  const api = await withApi(t, backing);
  const token = await api.createToken({ user: zoe.user, device: zoe.phone });
  const send = (updates: unknown[]) =>
    api.request('/api/fields/garden/updates', { token, body: { updates }, headers: { prefer: 'wait=20' } });
  t.equal((await send([setCell(1, 3, 0.5), putParticle(2, marker)])).status, 200);
  const other = await api.createToken({ user: yan.user, device: yan.phone });
  const watcher = await openStream(t, api, { token: other, field: garden });
  const { cursor } = await watcher.find('snapshot');
  t.equal((await send([setCell(3, 4, 0.6)])).status, 200);
  await watcher.waitForVersion(3);

  t.match(await run(['erase', '--user', zoe.user, '--yes']), { code: 0 });
  const delta = await watcher.find('delta', ({ to }) => to.startsWith('4.'));
  t.match(delta.changes, { particles: { [marker]: null }, cells: { '3,0': null, '4,0': null } });
  t.same(delta.updates, []);
  const returning = await openStream(t, api, { token: other, field: garden, after: cursor });
  const snapshot = await returning.find('snapshot');
  t.match(snapshot, { reason: 'gap', state: { version: 4, cells: {}, memoryParticles: [] } });

  const read = (path: string) => api.request(`/api/fields/garden${path}`, { token: other });
  t.match(await read('?at=3'), { status: 410, body: { code: 'erased' } });
  t.match(await read('?at=4'), { status: 200, body: { version: 4, cells: {} } });
  const { body } = await read('/updates?after=0');
  t.match(body.updates, [
    ...[1, 2, 3].map((version) => ({ version, outcome: 'applied', contentHash: /^[0-9a-f]{64}$/ })),
    { version: 4, erasure: { from: 1, versions: [[1, 3]] } },
  ]);
  t.notOk(JSON.stringify(body).includes('zoe'));
  t.match((await send([setCell(1, 3, 0.5)])).body, { results: [{ outcome: 'expired' }] });
});
