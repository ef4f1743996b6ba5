/** What keeps apps of the original system from doing harm, and the answers they get while nothing is applied. */
import t from 'tap';
import { settingsOf, withField } from '../../cli/run-field.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { readParticles, statusOf, withLegacy, withLegacyApi } from './with-legacy.ts';

t.test('an app that is revoked writes nothing more, under any of its ids', async (t) => {
  const { backing, app } = await withLegacy(t);
  const [me, other] = [app(1), app(2)];
  const { field, sync } = me.client.consciousness;
  const { particleId } = await field.update.mutate(me.nextUpdate('before'));
  const device = particleId.split(':').slice(0, 2).join(':');
  const run = await withField(t, settingsOf(backing));
  const ended = await run(['token', 'revoke', '--device', device]);
  t.equal(ended.code, 0, ended.stderr);
  const emit = () => sync.event.mutate({ type: 'memory', nodeId: me.nodeId, data: {} });
  await waitUntil('events of the app are refused', async () => (await statusOf(emit())) === 401);
  t.equal(await statusOf(field.update.mutate(me.nextUpdate('after'))), 401);
  t.equal(await statusOf(sync.fieldDelta.mutate(me.nextDelta(1, 1, 0.5))), 401);
  t.equal(await statusOf(other.client.consciousness.field.update.mutate(other.nextUpdate('of another'))), 200);
  const contents = (await readParticles(backing)).map(({ attributes }) => attributes.content?.value);
  t.same(contents.sort(), ['before', 'of another']);
});

t.test('a numbered change without a result is no success, and is applied once when it is repeated', async (t) => {
  const backing = await withBacking(t);
  const { api, app } = await withLegacyApi(t, backing);
  const me = app();
  const body = { json: me.nextUpdate('once') };
  const send = () => api.request('/api/trpc/consciousness.field.update', { body });
  const unknown = await send();
  t.equal(unknown.status, 503);
  t.ok(Number(unknown.headers.get('retry-after')) > 0);
  t.match((await api.request('/metrics')).text, /refused\S*\{code="overloaded"\S* 1$/m);
  await withWorker(t, backing);
  t.equal((await send()).status, 200);
  t.equal((await readParticles(backing)).length, 1);
});

t.test('an excavation is charged for the particles that it parses', async (t) => {
  const { app } = await withLegacy(t, {
    LIMIT_UPDATES: '30',
    LIMIT_WINDOW_SECONDS: '3600',
    LIMIT_ADDRESS_FACTOR: '1',
  });
  const { nodeId, client } = app();
  const excavate = () => statusOf(client.consciousness.archaeology.excavate.mutate({ nodeId, targetDepth: 1 }));
  t.same([await excavate(), await excavate()], [200, 429]);
});
