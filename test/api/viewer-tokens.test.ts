/** `POST /api/fields/:field/viewer-tokens`: what others can do with a token that was made for them, and for how long. */
import { decodeJwt } from 'jose';
import t from 'tap';
import { settingsOf, withField } from '../cli/run-field.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openStream } from './support/stream-client.ts';
import { type TestApi, withApi } from './support/with-app.ts';

const secondsPerDay = 86_400;

const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing, { OPEN_REGISTRATION: 'true' });
const field = await withField(t, settingsOf(backing));

const make = (token: string, body: object = {}, { name = 'garden', on = api }: { name?: string; on?: TestApi } = {}) =>
  on.request(`/api/fields/${name}/viewer-tokens`, { token, body });

async function makeViewer(token: string, body: object = {}): Promise<string> {
  const { status, body: made, text } = await make(token, body);
  if (status !== 201) throw new Error(`answered with ${status}: ${text}`);
  return made.token;
}

const lifetimeOf = (token: string) => {
  const { iat = 0, exp = 0 } = decodeJwt(token);
  return exp - iat;
};

async function register(): Promise<{ readonly token: string; readonly deviceId: string }> {
  return (await api.request('/api/devices', { body: {} })).body;
}

t.before(async () => {
  const token = await api.createToken();
  const headers = { prefer: 'wait=30' };
  await api.request('/api/fields/garden/updates', { token, headers, body: { updates: [setCell(1, 1, 0.5)] } });
});

t.test('a viewer reads the field and follows it, and neither changes it nor sees another', async (t) => {
  const made = await make(await api.createToken());
  t.equal(made.status, 201);
  t.equal(made.headers.get('cache-control'), 'no-store');
  const token = made.body.token;
  t.equal(made.body.expiresAt, (decodeJwt(token).exp ?? 0) * 1000);
  t.match(await api.request('/api/fields/garden', { token }), { status: 200, body: { cells: { '1,0': 0.5 } } });
  t.match((await api.request('/api/fields', { token })).body.fields, [{ field: 'garden' }]);
  t.match(await api.request('/api/fields/global', { token }), { status: 403 });
  const update = { token, body: { updates: [setCell(1, 1, 0.9)] } };
  t.match(await api.request('/api/fields/garden/updates', update), { status: 403, body: { code: 'forbidden' } });

  const stream = await openStream(t, api, { token, field: 'garden' });
  await stream.find('snapshot');
  stream.send({ type: 'update', updates: [setCell(1, 1, 0.9)] });
  t.equal((await stream.find('error')).problem.code, 'forbidden');
  t.equal((await api.request('/api/fields/garden', { token })).body.version, 1);
});

t.test(
  'it lives as long as was asked for, a week at most, and no longer than a token that cannot be renewed',
  async (t) => {
    const { token: renewable } = await register();
    t.equal(lifetimeOf(await makeViewer(renewable)), 7 * secondsPerDay);
    t.equal(lifetimeOf(await makeViewer(renewable, { lifetimeSeconds: 3600 })), 3600);
    t.equal(lifetimeOf(await makeViewer(renewable, { lifetimeSeconds: 900 * secondsPerDay })), 7 * secondsPerDay);
    const short = await api.createToken({ expiresInSeconds: 600 });
    const lifetime = lifetimeOf(await makeViewer(short));
    t.ok(lifetime <= 600 && lifetime > 500, `${lifetime} s`);
    for (const lifetimeSeconds of [0, 59, 1.5, '3600'])
      t.match(await make(renewable, { lifetimeSeconds }), { status: 400, body: { code: 'invalid_input' } });
  },
);

t.test(
  'a viewer makes no tokens for others and renews none; nor does somebody without access to the field',
  async (t) => {
    const { token } = await register();
    const viewer = await makeViewer(token);
    t.match(await make(viewer), { status: 403, body: { detail: /viewer/ } });
    t.match(await api.request('/api/devices/renew', { token: viewer, body: {} }), { status: 403 });
    t.match(await make(await api.createToken({ fields: ['other'] })), { status: 403 });
  },
);

t.test('revoking the token, the device or the user revokes what was made from them', async (t) => {
  for (const kind of ['--token', '--device', '--user']) {
    const { token, deviceId } = await register();
    const viewer = await makeViewer(token);
    const bystander = await makeViewer((await register()).token);
    const subject = { '--token': token, '--device': deviceId, '--user': `device:${deviceId}` }[kind] ?? '';
    t.equal((await field(['token', 'revoke', kind, subject])).code, 0);
    await waitUntil('the viewer is refused', async () => {
      const { status, body } = await api.request('/api/fields/garden', { token: viewer });
      return status === 401 && body.code === 'token_revoked';
    });
    t.equal((await api.request('/api/fields/garden', { token: bystander })).status, 200);
  }
});

t.test("a link is revoked by its token, and the sharer's own token stays valid", async (t) => {
  const { token } = await register();
  const viewer = await makeViewer(token);
  t.equal((await field(['token', 'revoke', '--token', viewer])).code, 0);
  await waitUntil('the viewer is refused', async () => {
    return (await api.request('/api/fields/garden', { token: viewer })).status === 401;
  });
  t.equal((await api.request('/api/fields/garden', { token })).status, 200);
});

t.test('viewers do not use up the limits of whoever shared the field', async (t) => {
  const limited = await withApi(t, backing, { LIMIT_READS: '30', LIMIT_WINDOW_SECONDS: '60' });
  const token = await api.createToken({ user: 'sharer' });
  const viewer = await makeViewer(token);
  const read = (reader: string) => limited.request('/api/fields/garden', { token: reader });
  await waitUntil('the viewer has no reads left', async () => (await read(viewer)).status === 429);
  t.equal((await read(token)).status, 200);
});

t.test('where the server signs no tokens, or makes none for viewers, it says so', async (t) => {
  const off = await withApi(t, backing, { VIEWER_TOKEN_DAYS: '0' });
  t.match(await make(await api.createToken(), {}, { on: off }), { status: 403, body: { detail: /VIEWER_TOKEN_DAYS/ } });
});
