/** The API and the worker run with roles of their own in PostgreSQL, which can do what they need and no more. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { migrate } from '../../db/migrations/migrate.ts';
import { verifyField } from '../../db/read/verify-field.ts';
import { grantRoles } from '../../db/roles/grant-roles.ts';
import { directDatabaseUrl } from '../../shared/config/config.ts';
import { withApi } from '../api/support/with-app.ts';
import { withField } from '../cli/run-field.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { openFallbackQueue } from '../support/servers/fallback-queue.ts';
import { queryPostgres } from '../support/servers/query-postgres.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

const password = 'for-this-test-only';
const id = randomBytes(4).toString('hex');

t.test('the API and the worker run with their roles', async (t) => {
  const backing = await withBacking(t, { ADMIN_PASSWORD: 'kite-velvet-otter-91' });
  const ownerUrl = directDatabaseUrl(backing.config);
  await grantRoles(ownerUrl);
  await migrate(ownerUrl);
  const logins = { field_api: `api_${id}`, field_worker: `worker_${id}` };
  for (const [role, login] of Object.entries(logins)) {
    await queryPostgres(ownerUrl, `CREATE ROLE ${login} LOGIN PASSWORD '${password}' IN ROLE ${role}`);
    t.teardown(() => queryPostgres(ownerUrl, `DROP ROLE ${login}`));
  }
  const urlOf = (login: string) => {
    const url = new URL(ownerUrl);
    url.username = login;
    url.password = password;
    return url.href;
  };
  const [apiUrl, workerUrl] = [urlOf(logins.field_api), urlOf(logins.field_worker)];

  await t.test('updates are accepted, applied, read and maintained', async (t) => {
    const config = { ...backing.config, DATABASE_URL: workerUrl, DATABASE_DIRECT_URL: workerUrl };
    await withWorker(t, { ...backing, config });
    const api = await withApi(t, backing, { DATABASE_URL: apiUrl, DATABASE_DIRECT_URL: apiUrl });
    const { token, deviceId } = (await api.request('/api/devices', { body: {} })).body;
    const body = { updates: [setCell(1, 1, 0.5), setCell(2, 2, 0.5)] };
    const sent = await api.request('/api/fields/roles/updates', { token, body, headers: { prefer: 'wait=20' } });
    t.match(sent, { status: 200, body: { version: 2 } });
    for (const path of ['', '?at=1', '/updates', '/conflicts', '/clock', `/updates/${deviceId}/1`]) {
      t.equal((await api.request(`/api/fields/roles${path}`, { token })).status, 200, path);
    }
    t.match(await api.request('/api/health'), { body: { checks: { database: { status: 'up' } } } });
    const headers = { authorization: `Basic ${Buffer.from('operator:kite-velvet-otter-91').toString('base64')}` };
    const paused = await api.request('/admin/queues/api/queues/updates/resume', { method: 'PUT', headers });
    t.equal(paused.status, 200, 'the API records what operators do');
    const audit = await api.request('/admin/audit?format=json', { headers });
    t.match(audit, {
      status: 200,
      body: { actions: [{ operator: 'operator', action: 'board.resume', target: 'updates' }] },
    });
    const fallback = openFallbackQueue(apiUrl, backing.log);
    t.teardown(() => fallback.close());
    await fallback.add([jobOf(asField('roles'), asDevice('fallback-phone'), [setCell(1, 3, 0.5)])]);
    await waitForVersion(backing, asField('roles'), 3);
    await waitUntil('the snapshot is written', async () => {
      const { rows } = await backing.db.raw(
        "SELECT snapshot_version FROM consciousness_states WHERE field_id = 'roles' AND version = 3",
      );
      return rows.length === 1;
    });
    t.same((await verifyField(backing.db, asField('roles'))).differences, []);
  });

  await t.test('doctor and token run as the API', async (t) => {
    const { QUEUE_REDIS_URL, CACHE_REDIS_URL, JWT_SECRET = '' } = backing.config;
    const field = await withField(t, { DATABASE_URL: apiUrl, QUEUE_REDIS_URL, CACHE_REDIS_URL, JWT_SECRET });
    const { findings } = JSON.parse((await field(['doctor', '--json'])).stdout) as { findings: { code?: string }[] };
    t.same(
      findings.filter(({ code }) => code === 'check_failed'),
      [],
    );
    t.match(await field(['token', '--device', 'phone-1']), { code: 0, stdout: /^ey/ });
    t.not((await field(['token', 'revoke', '--device', 'phone-1'])).code, 0, 'the API may not revoke');
  });

  await queryPostgres(apiUrl, "UPDATE enqueue_runs SET status = 'paused'");
  const refusals: readonly (readonly [string, string, string])[] = [
    ['the API', apiUrl, "UPDATE field_updates SET user_id = 'nobody'"],
    ['the API', apiUrl, 'DELETE FROM field_updates'],
    ['the API', apiUrl, 'INSERT INTO field_updates SELECT * FROM field_updates'],
    ['the API', apiUrl, 'UPDATE consciousness_states SET version = 0'],
    ['the API', apiUrl, 'DELETE FROM revocations'],
    ['the API', apiUrl, 'UPDATE rule_settings SET value = 1'],
    ['the API', apiUrl, 'SELECT operator FROM operator_actions'],
    ['the API', apiUrl, 'SELECT origin FROM operator_actions'],
    ['the API', apiUrl, "UPDATE enqueue_runs SET name = 'another'"],
    ['the API', apiUrl, "INSERT INTO shown_operator_actions (operator, action) VALUES ('ada', 'nothing')"],
    ['the worker', workerUrl, "INSERT INTO shown_operator_actions (operator, action) VALUES ('ada', 'nothing')"],
    ['the API', apiUrl, 'CREATE TABLE extra (id int)'],
    ['the API', apiUrl, 'DROP TABLE field_updates'],
    ['the worker', workerUrl, 'CREATE TABLE extra (id int)'],
    ['the worker', workerUrl, 'ALTER TABLE field_updates DISABLE TRIGGER ALL'],
    ['the worker', workerUrl, 'DELETE FROM revocations'],
    ['the worker', workerUrl, 'DELETE FROM operator_actions'],
    ['the worker', workerUrl, 'UPDATE rule_settings SET value = 1'],
    ['the worker', workerUrl, 'DELETE FROM knex_migrations'],
  ];
  for (const [who, url, sql] of refusals) {
    await t.rejects(queryPostgres(url, sql), { code: '42501' }, `${who}: ${sql}`);
  }
});
