/** The operators' overview: who may see it, what it says of a healthy system and of one that is not, and that it trusts nothing. */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { deleteWebhook, insertWebhook } from '../../db/webhooks/webhook-row.ts';
import { applyUpdatesJob } from '../../shared/contract/job.ts';
import { feedStart, formatChangeCursor } from '../../shared/exchange/change-cursor.ts';
import { addTraffic, latencyBoundsMs } from '../../shared/observability/traffic.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asField, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withApi } from './support/with-app.ts';

const password = 'kite-velvet-otter-91';
const headers = { authorization: `Basic ${Buffer.from(`operator:${password}`).toString('base64')}` };

t.test('the overview', async (t) => {
  const backing = await withBacking(t);
  const api = await withApi(t, backing, { ADMIN_PASSWORD: password });
  const readJson = async () => (await api.request('/admin/overview', { headers })).body;
  const readPage = async (path = '/admin/') => {
    const response = await fetch(`${api.address}${path}`, { headers });
    return { response, text: await response.text() };
  };

  await t.test('is for operators only', async (t) => {
    for (const path of [
      '/admin',
      '/admin/',
      '/admin/overview',
      '/admin/search',
      '/admin/dead-letters',
      '/admin/audit',
      '/admin/live.js',
    ]) {
      const response = await fetch(`${api.address}${path}`, { redirect: 'manual' });
      t.equal(response.status, 401, path);
      t.match(response.headers.get('www-authenticate'), /Basic/);
    }
    t.equal((await api.request('/admin/overview', { token: await api.createToken() })).status, 403);
  });

  await t.test('says first that no worker runs, and what to do', async (t) => {
    t.match(await readJson(), { findings: [{ level: 'problem', what: 'No worker runs.', advice: /Start workers/ }] });
    const { response, text } = await readPage();
    t.equal(response.headers.get('cache-control'), 'no-store');
    t.match(text, /One thing needs attention.*No worker runs\./s);
    t.match(text, /<title>\(1\)/);
    t.notMatch(text, /<script(?! src="\/admin\/live\.js" defer><\/script>)|undefined|NaN/);
  });

  await withWorker(t, backing);
  const field = asField('garden');

  await t.test('shows queues, workers and fields of a healthy system', async (t) => {
    const token = await api.createToken({ device: 'phone-1' });
    await api.request('/api/fields/garden/updates', { token, body: { updates: [setCell(1, 0, 0.5)] } });
    await waitForVersion(backing, field, 1);
    const overview = await waitUntil('the worker is known', async () => {
      const body = await readJson();
      return body.database?.workers?.length === 1 && body;
    });
    t.match(overview, {
      status: String,
      findings: [],
      queue: { redis: { failed: 0 } },
      database: { fields: [{ field: 'garden', version: 1, devices: 1 }], totalFields: 1, runs: [], backups: [] },
      deadLetters: [],
    });
    const { text } = await readPage();
    t.match(text, /All is well/);
    t.match(text, /<a href="\/admin\/\.\.\/\?field=garden">garden<\/a>/, 'below the prefix of a proxy too');
    t.match(text, /<script src="\/admin\/live\.js" defer>.*<noscript><meta http-equiv="refresh"/);
    t.notMatch((await readPage('/admin/?reload=off')).text, /http-equiv="refresh"|<script/);
  });

  await t.test('shows fields by their traffic and size, the newest conflicts and devices', async (t) => {
    const send = async (name: string, device: string, updates: object[]) =>
      api.request(`/api/fields/${name}/updates`, { token: await api.createToken({ device }), body: { updates } });
    await send('meadow', 'phone-1', [setCell(1, 1, 0.1), setCell(2, 2, 0.2), setCell(3, 3, 0.3)]);
    await send('garden', 'phone-2', [setCell(1, 0, 0.9)]);
    await waitForVersion(backing, asField('meadow'), 3);
    await waitForVersion(backing, field, 2);
    // As if the first update of the meadow were older than an hour.
    await backing.db.raw(
      `UPDATE field_updates SET logged_at = logged_at - 4000000 WHERE field_id = 'meadow' AND version = 1`,
    );
    const overview = await waitUntil('both are shown', async () => {
      const { database } = await readJson();
      return database.fields.length === 2 && database.conflicts.length === 1 && database;
    });
    const traffic = Object.fromEntries(
      overview.fields.map((each: { field: string; updates: number; bytes: number }) => [each.field, each.updates]),
    );
    t.same(traffic, { garden: 2, meadow: 2 });
    for (const { bytes } of overview.fields) t.ok(bytes > 0);
    t.match(overview.conflicts[0], { field, cell: '0,0', local: 'phone-1', remote: 'phone-2', time: Number });
    t.match(
      overview.devices.map(({ device, counter }: { device: string; counter: number }) => `${device} ${counter}`).sort(),
      ['phone-1 1', 'phone-1 3', 'phone-2 1'],
    );
    const { text } = await readPage();
    t.match(text, /<a href="\/admin\/search\?field=garden&#38;device=phone-2">phone-2<\/a>/);
    t.notMatch(text, /undefined|NaN|Infinity/);
  });

  await t.test('shows webhooks without their addresses, which may be secret', async (t) => {
    const webhook = {
      id: randomUUID(),
      url: 'https://hooks.example/secret-path',
      fields: ['*'],
      kinds: null,
      region: null,
    };
    await insertWebhook(backing.db, { ...webhook, status: 'paused', cursor: formatChangeCursor(feedStart) });
    const { database, findings } = await waitUntil('it is shown', async () => {
      const body = await readJson();
      return body.database.webhooks.length === 1 && body;
    });
    t.match(database.webhooks, [{ host: 'hooks.example', status: 'paused', attempts: 0, deadLetters: 0 }]);
    const finding = findings.find(({ what }: { what: string }) => what === 'The webhook to hooks.example is paused.');
    t.match(finding, { level: 'warning', advice: new RegExp(`resume ${webhook.id}.*first.*replay ${webhook.id}`) });
    const { text } = await readPage();
    t.match(text, /hooks\.example/);
    t.notMatch(`${text}${JSON.stringify(database)}`, /secret-path/);
    await deleteWebhook(backing.db, webhook.id);
  });

  await t.test('draws what all workers have applied in the last hour', async (t) => {
    const at = Date.now() - (Date.now() % 60_000) - 120_000;
    const latencies = latencyBoundsMs.map((bound) => (bound === 50 ? 600 : 0));
    await addTraffic(backing.cacheRedis, backing.keys, [{ at, updates: 1200, conflicts: 3, latencies }]);
    const overview = await waitUntil('it is read', async () => {
      const body = await readJson();
      return body.traffic.some(({ updates }: { updates: number }) => updates === 1200) && body;
    });
    t.equal(overview.traffic.length, 60);
    const { text } = await readPage();
    t.match(text, /aria-label="Updates applied, a second: now [\d.]+; at most 20 in 59 min"/);
    t.match(text, /aria-label="Accepted until visible: now half within 50 ms, 99 % within 50 ms; at most /);
    t.match(text, /aria-label="Conflicts, a minute: now 0; at most 3 in 59 min"/);
    t.notMatch(text, /undefined|NaN|Infinity/);
  });

  await t.test('shows dead letters, whatever is in them, as text', async (t) => {
    const hostile = '<img src=x onerror=alert(1)>';
    const { first } = backing.producer.queues;
    await first.add(applyUpdatesJob, { field: hostile, device: hostile, updates: [] } as never, { attempts: 1 });
    await first.add(applyUpdatesJob, null as never, { attempts: 1 });
    await waitUntil('both have failed', async () => (await readJson()).deadLetters.length === 2);
    const { text } = await readPage();
    t.notMatch(text, /<img/);
    t.match(text, '&#60;img src=x onerror=alert(1)&#62;');
    t.match(text, /2 jobs could not be applied\..*dead-letters list/s);
  });
});
