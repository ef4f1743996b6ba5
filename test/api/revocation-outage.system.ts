/** Revocation while PostgreSQL or the cache cannot be reached: what is accepted is applied, whoever knows of what. */
import t, { type Test } from 'tap';
import { settingsOf, withField } from '../cli/run-field.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitForVersion } from '../support/read-back.ts';
import { asField, setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openStream } from './support/stream-client.ts';
import { type TcpGate, withTcpGate } from './support/tcp-gate.ts';
import { type TestApi, withApi } from './support/with-app.ts';

async function withGate(t: Test, target: string): Promise<{ gate: TcpGate; url: string }> {
  const url = new URL(target);
  const gate = await withTcpGate(t, { host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${gate.port}`;
  return { gate, url: url.href };
}

interface Sender {
  /** @returns `accepted`, or the status and the code of the problem */
  send(): Promise<string>;
  /** How many updates were accepted. */
  readonly accepted: number;
}

function createSender(api: TestApi, token: string, field: string): Sender {
  let counter = 0;
  let accepted = 0;
  return {
    async send() {
      counter += 1;
      const body = { updates: [setCell(counter, 1, 0.5)] };
      const response = await api.request(`/api/fields/${field}/updates`, { token, body });
      if (response.status !== 202) return `${response.status} ${response.body.code}`;
      accepted += 1;
      return 'accepted';
    },
    get accepted() {
      return accepted;
    },
  };
}

async function assertAllApplied(t: Test, backing: Backing, field: string, accepted: number): Promise<void> {
  await waitUntil('every job has ended', async () => (await backing.producer.countBacklog()) === 0);
  const failed = await backing.producer.queues.first.getFailed();
  t.same(
    failed.map(({ failedReason }) => failedReason),
    [],
    'no accepted update was refused',
  );
  await waitForVersion(backing, asField(field), accepted);
}

for (const name of ['DATABASE_URL', 'CACHE_REDIS_URL'] as const) {
  t.test(`an API that is cut off from ${name} refuses revoked tokens and loses no accepted update`, async (t) => {
    const backing = await withBacking(t);
    await withWorker(t, backing);
    const { gate, url } = await withGate(t, backing.config[name]);
    const api = await withApi(t, backing, { [name]: url });
    const field = await withField(t, settingsOf(backing));
    const token = await api.createToken({ device: 'stolen' });
    const other = await api.createToken({ device: 'other' });
    const socket = await openStream(t, api, { token, field: 'garden' });
    await socket.find('snapshot');
    gate.cut();
    const dependency = name === 'DATABASE_URL' ? 'database' : 'cache';
    await waitUntil('the API is cut off', async () => {
      const { body } = await api.request('/api/health');
      return body.checks[dependency].status === 'down';
    });
    const sender = createSender(api, token, 'garden');
    t.equal(await sender.send(), 'accepted');
    const revoked = field(['token', 'revoke', '--token', token]);
    const answers = new Set<string>();
    await waitUntil('the token is refused', async () => answers.add(await sender.send()).size > 1, {
      timeoutMs: 10_000,
      intervalMs: 2,
    });
    t.equal((await revoked).code, 0);
    t.same(answers, new Set(['accepted', '401 token_revoked']));
    await waitUntil('the socket is closed', () => socket.closed);
    t.equal(socket.closed?.code, 4403);
    const bystander = createSender(api, other, 'pond');
    t.equal(await bystander.send(), 'accepted', 'only tokens on the list are refused');
    await assertAllApplied(t, backing, 'garden', sender.accepted);
    await assertAllApplied(t, backing, 'pond', 1);
  });
}

t.test('workers check what was accepted while nobody could read the revocations', async (t) => {
  const backing = await withBacking(t);
  const { gate, url } = await withGate(t, backing.config.DATABASE_URL);
  await withWorker(t, { ...backing, config: { ...backing.config, DATABASE_URL: url } });
  const api = await withApi(t, backing, { DATABASE_URL: url });
  const field = await withField(t, settingsOf(backing));
  const sender = createSender(api, await api.createToken({ device: 'stolen' }), 'garden');
  t.equal(await sender.send(), 'accepted');
  await waitForVersion(backing, asField('garden'), 1);
  gate.cut();
  const { first: queue } = backing.producer.queues;
  await waitUntil(
    'updates are accepted without recent revocations',
    async () => {
      t.equal(await sender.send(), 'accepted');
      const jobs = await queue.getJobs(['active', 'waiting', 'delayed']);
      return jobs.some(({ data }) => 'grant' in data && data.grant?.revocations === undefined);
    },
    { intervalMs: 200 },
  );
  const before = sender.accepted;
  t.equal((await field(['token', 'revoke', '--device', 'stolen'])).code, 0);
  t.equal(await sender.send(), 'accepted', 'the API cannot know');
  gate.open();
  await waitForVersion(backing, asField('garden'), before);
  const [failed] = await waitUntil('the last one is refused', async () => {
    const jobs = await queue.getFailed();
    return jobs.length > 0 && jobs;
  });
  t.match(failed?.failedReason, /^token_revoked/);
  await waitUntil('no job is left', async () => (await backing.producer.countBacklog()) === 0);
  t.equal((await queue.getFailed()).length, 1, 'what was accepted before the revocation is applied');
});
