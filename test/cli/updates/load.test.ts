import t, { type Test } from 'tap';
import type { Credentials, LoadPlan } from '../../../cli/load/load-plan.ts';
import { runLoad } from '../../../cli/load/run-load.ts';
import { verifyLog } from '../../../cli/load/verify-log.ts';
import { withApi } from '../../api/support/with-app.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { asDevice, asField } from '../../support/updates.ts';
import { withField } from '../run-field.ts';

const field = asField('load');

async function withStack(t: Test) {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const api = await withApi(t, backing);
  const createCredentials = async (name: string): Promise<Credentials> => ({
    deviceId: asDevice(name),
    token: await api.createToken({ device: name }),
  });
  const createPlan = async (more: Partial<LoadPlan> = {}): Promise<LoadPlan> => ({
    url: api.address,
    fields: [field],
    devices: [await createCredentials('a'), await createCredentials('b'), await createCredentials('c')],
    watchers: [await createCredentials('w')],
    batch: 2,
    rate: undefined,
    seconds: 1,
    resendPercent: 50,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...more,
  });
  return { backing, api, createPlan };
}

t.test('load finds every accepted update applied once, and detects lost and duplicate ones', async (t) => {
  const { backing, createPlan } = await withStack(t);
  const load = await createPlan();
  const phases = new Set<string>();
  const report = await runLoad({ ...load, onProgress: ({ phase }) => phases.add(phase) });
  t.ok(report.accepted > 0);
  t.match(report, {
    applied: report.accepted,
    lost: 0,
    doubled: 0,
    refused: {},
    unanswered: 0,
    devicesThatGaveUp: 0,
  });
  t.ok(report.sentTwice > 0 && report.sentTwice <= report.accepted);
  t.equal(report.acceptMs?.count, report.accepted / 2);
  t.ok((report.deltaMs?.count ?? 0) > 0, 'the watcher received deltas');
  t.ok(phases.has('settling'));

  const senders = load.devices.map((credentials) => ({ credentials, field, accepted: 2, dueAt: [] }));
  const verify = () => verifyLog({ url: load.url, field, after: 0, senders });
  t.same(await verify(), { applied: 6, lost: 0, doubled: 0 });
  const { db } = backing;
  await db.raw(`DELETE FROM field_updates WHERE device_id = 'a' AND counter = 2`);
  t.same(await verify(), { applied: 5, lost: 1, doubled: 0 });
  await db.raw('ALTER TABLE field_updates DROP CONSTRAINT field_updates_field_id_device_id_counter_key');
  await db.raw(`INSERT INTO field_updates SELECT field_id, 1000000, device_id, counter, logged_at, outcome, resolution, update, user_id, swept_through, rules, salt, hash
                  FROM field_updates WHERE device_id = 'b' AND counter = 1`);
  t.same(await verify(), { applied: 5, lost: 1, doubled: 1 });
});

t.test('load does not exceed the given rate over several fields', async (t) => {
  const { createPlan } = await withStack(t);
  const fields = [asField('load-1'), asField('load-2')];
  const report = await runLoad(await createPlan({ fields, rate: 20, batch: 1, resendPercent: 0, watchers: [] }));
  t.ok(report.accepted > 0 && report.accepted <= 21, `${report.accepted} of about 20`);
  t.match(report, { applied: report.accepted, lost: 0, doubled: 0, sentTwice: 0, deltaMs: undefined });
});

t.test('load counts rejected requests by error code, and a device gives up on a permanent error', async (t) => {
  const { api, createPlan } = await withStack(t);
  const token = await api.createToken({ device: 'a', fields: ['elsewhere'] });
  const reading = await createPlan();
  const [, b] = reading.devices;
  const devices = [...(b ? [b] : []), { deviceId: asDevice('a'), token }];
  const report = await runLoad({ ...reading, devices });
  t.match(report, { refused: { forbidden: 1 }, devicesThatGaveUp: 1, applied: report.accepted, lost: 0 });
});

t.test('the load command registers its own devices and refuses to target other machines', async (t) => {
  const { api } = await withStack(t);
  const run = await withField(t);
  const args = [
    'load',
    '--url',
    api.address,
    '--seconds',
    '1',
    '--devices',
    '20',
    '--rate',
    '100',
    '--field',
    'garden',
  ];
  const loaded = await run([...args, '--json']);
  t.equal(loaded.code, 0, loaded.stderr);
  t.notMatch(loaded.stderr, /Warning/);
  t.match(JSON.parse(loaded.stdout), { url: api.address, fields: ['garden'], lost: 0, doubled: 0 });
  t.match(await run(['load', '--url', 'http://192.0.2.1']), { code: 2, stderr: /--yes-not-loopback/ });
  t.match(await run(['load']), { code: 2, stderr: /npm start/ });
  t.match(await run(['load', '--url', 'http://127.0.0.1:2']), { code: 3, stderr: /does not respond/ });
});
