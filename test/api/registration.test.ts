/** How a device gets an identity and keeps it, and that nobody gets the identity of another. */
import { connect } from 'node:net';
import { decodeJwt } from 'jose';
import t from 'tap';
import { liftRevocation, revoke } from '../../db/models/revocation.ts';
import { type Registration, signToken } from '../../shared/auth/jwt.ts';
import { problemSchema } from '../../shared/contract/problem.ts';
import type { DeviceId } from '../../shared/field/ids.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type TestApi, withApi } from './support/with-app.ts';

const backing = await withBacking(t);
const api = await withApi(t, backing);
const secret = 'kV3x9QmT7wLzR2bNfH8sJdPcYgA5uE4o';
const closed = await withApi(t, backing, { NODE_ENV: 'production', OPEN_REGISTRATION: 'false', JWT_SECRET: secret });

interface Registered {
  readonly deviceId: string;
  readonly token: string;
  readonly expiresAt: number;
}

async function register(from: TestApi = api): Promise<Registered> {
  const { status, body } = await from.request('/api/devices', { body: {} });
  t.equal(status, 201);
  return body;
}

const renew = (token: string | undefined, from: TestApi = api) =>
  from.request('/api/devices/renew', { method: 'POST', token });

async function statusOf(token: string): Promise<number> {
  return (await api.request('/api/fields/any/updates', { token, body: { updates: [setCell(1, 0, 0.5)] } })).status;
}

/** A token as registration issued it some time ago. */
async function signRegistered(device: string, expiresInSeconds: number, registration: Registration): Promise<string> {
  const key = {
    secret: backing.config.JWT_SECRET ?? '',
    issuer: 'consciousness-field',
    audience: 'consciousness-field',
  };
  const claims = { sub: `device:${device}`, device: device as DeviceId, fields: ['*'], expiresInSeconds, registration };
  return (await signToken({ ...claims, scope: ['field:read', 'field:write'] }, key)).token;
}

t.test('where registration is open, a device gets an id that the server made, and a token', async (t) => {
  const [first, second] = [await register(), (await api.request('/api/devices', { method: 'POST' })).body];
  t.match(first.deviceId, /^[0-9a-f]{32}$/);
  t.not(first.deviceId, second.deviceId);
  const days = (first.expiresAt - Date.now()) / 86_400_000;
  t.ok(days > 29.9 && days <= 30);
  t.match(decodeJwt(first.token), { device: first.deviceId, fields: ['*'], scope: 'field:read field:write' });
  t.equal(await statusOf(first.token), 202);
});

t.test('nobody gets a token for a device by naming it', async (t) => {
  const { deviceId: victim } = await register();
  for (const body of [{ deviceId: victim }, { deviceId: 'victim-phone' }, { device: victim }, { sub: 'x' }, [victim]]) {
    for (const path of ['/api/devices', '/api/devices/renew']) {
      const { token } = await register();
      const answer = await api.request(path, { token, body });
      t.match(answer, { status: 400, body: { code: 'invalid_input' } }, `${path} ${JSON.stringify(body)}`);
      t.notMatch(answer.text, /"token"/);
    }
  }
  t.match((await api.request('/api/devices', { body: { deviceId: victim } })).body, {
    errors: [{ message: /deviceId/ }],
  });
});

t.test('while registration is closed nothing is parsed and little is answered', async (t) => {
  const huge = JSON.stringify(Object.fromEntries(Array.from({ length: 60_000 }, (_, key) => [`key-${key}`, key])));
  for (const body of ['{}', 'not JSON', huge]) {
    const answer = await closed.request('/api/devices', { body });
    t.equal(answer.status, 403);
    t.match(problemSchema.parse(answer.body), { code: 'forbidden', detail: /OPEN_REGISTRATION/ });
    t.ok(answer.text.length < 1000);
  }
});

t.test('a body of more than 1 KB is refused before it is read, and costs a point', async (t) => {
  const large = JSON.stringify({ filler: 'x'.repeat(2000) });
  const few = await withApi(t, backing, { LIMIT_REGISTRATIONS: '3', TRUST_PROXY: '127.0.0.0/8' });
  const headers = { 'x-forwarded-for': '192.0.2.77' };
  const tryAll = async (body: string) => (await few.request('/api/devices', { body, headers })).status;
  t.same([await tryAll(large), await tryAll('not JSON'), await tryAll('{"deviceId":"x"}')], [413, 400, 400]);
  t.equal(await tryAll('{}'), 429, 'invalid bodies have used up the points');
  t.equal(await tryAll(large), 429, 'before the body is read');
});

t.test('a device that declares a large body gets its answer before it sends one', async (t) => {
  const { hostname, port } = new URL(api.address);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.write(
    'POST /api/devices HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 900000\r\n\r\n',
  );
  await waitUntil('the answer arrives', () => answer.includes('\r\n\r\n'));
  t.match(answer, /^HTTP\/1\.1 413 /);
});

t.test('a registered device renews its last token, valid or expired, and keeps its id', async (t) => {
  const { deviceId, token } = await register();
  const renewed = await renew(token);
  t.match(renewed, { status: 200, body: { deviceId, token: String, expiresAt: Number } });
  t.equal(renewed.headers.get('cache-control'), 'no-store');
  t.equal(await statusOf(renewed.body.token), 202);
  const again = await renew(renewed.body.token);
  t.match(again, { status: 200, body: { deviceId } });

  const { jti = '', registered = 0 } = decodeJwt(token) as { jti?: string; registered?: number };
  const expired = await signRegistered(deviceId, -3600, { tokenId: jti, registeredAt: registered });
  t.equal(await statusOf(expired), 401);
  t.match(await renew(expired), { status: 200, body: { deviceId } });
});

t.test('other tokens cannot be renewed, and the answer says why', async (t) => {
  const issued = await api.createToken({ device: 'phone-1' });
  t.match(await renew(issued), {
    status: 403,
    body: { code: 'forbidden', detail: /Only tokens from registration/ },
  });
  t.match(await renew(undefined), { status: 401, body: { code: 'unauthorized' } });
  const { token } = await register();
  t.match(await renew(`${token.slice(0, -4)}AAAA`), { status: 401, body: { code: 'unauthorized' } });
  const [header, body = '', signature] = token.split('.');
  const claims = { ...JSON.parse(Buffer.from(body, 'base64url').toString()), device: 'victim-phone' };
  const forged = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
  t.match(await renew(forged), { status: 401, body: { code: 'unauthorized' } });
});

for (const kind of ['device', 'user', 'token'] as const) {
  t.test(`who has been revoked by ${kind} stays out by renewing, and gets a new identity by registering`, async (t) => {
    const { deviceId, token } = await register();
    // As if the renewal had overtaken the revocation on its way to this process.
    const renewedBefore = (await renew(token)).body.token;
    const { jti = '', sub = '' } = decodeJwt(token);
    const subject = { device: deviceId, user: sub, token: jti }[kind];
    await revoke(backing.db, { kind, subject });
    for (const each of [token, renewedBefore]) {
      await waitUntil('the token is refused', async () => (await statusOf(each)) === 401);
      t.match(await renew(each), { status: 401, body: { code: 'token_revoked' } });
    }
    const other = await register();
    t.not(other.deviceId, deviceId);
    t.equal(await statusOf(other.token), 202);
    await liftRevocation(backing.db, { kind, subject });
    await waitUntil('the device is restored', async () => (await renew(token)).status === 200);
  });
}

t.test('a token that is renewed after its device was revoked stays revoked', async (t) => {
  const { deviceId, token } = await register();
  await revoke(backing.db, { kind: 'device', subject: deviceId });
  const { jti = '', registered = 0 } = decodeJwt(token) as { jti?: string; registered?: number };
  // As a process issues it that does not know of the revocation yet.
  const later = await signRegistered(deviceId, 600, { tokenId: jti, registeredAt: registered });
  await waitUntil('the token is refused', async () => (await statusOf(token)) === 401);
  t.equal(await statusOf(later), 401);
});

t.test('the fields and the lifetime of registered devices are settings', async (t) => {
  const settings = { REGISTRATION_FIELDS: 'garden, team-*', REGISTRATION_TOKEN_DAYS: '2' };
  const narrow = await withApi(t, backing, settings);
  const { token, expiresAt } = await register(narrow);
  t.same(decodeJwt(token).fields, ['garden', 'team-*']);
  t.ok(Math.abs(expiresAt - Date.now() - 2 * 86_400_000) < 60_000);
  const { token: wide } = await register();
  t.same(decodeJwt((await renew(wide, narrow)).body.token).fields, ['garden', 'team-*'], 'also when it is renewed');
});

t.test('devices renew their tokens after registration was closed', async (t) => {
  const open = await withApi(t, backing, { NODE_ENV: 'production', OPEN_REGISTRATION: 'true', JWT_SECRET: secret });
  const { deviceId, token } = await register(open);
  t.match(await renew(token, closed), { status: 200, body: { deviceId } });
});
