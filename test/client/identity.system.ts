/** How a device that registers itself keeps its identity, and what becomes of its updates when it has to take another one. */
import { decodeJwt } from 'jose';
import t, { type Test } from 'tap';
import { memoryStorage } from '../../client/storage/memory-storage.ts';
import type { PersistentStorage } from '../../client/storage/persistent-storage.ts';
import type { ClientProblem } from '../../client/types.ts';
import { revoke } from '../../db/models/revocation.ts';
import { signToken } from '../../shared/auth/jwt.ts';
import type { DeviceId } from '../../shared/field/ids.ts';
import { type TestApi, withApi } from '../api/support/with-app.ts';
import { waitUntil } from '../support/wait-until.ts';
import { readWholeLog } from './read-log.ts';
import { makeClient, waitForStatus, waitUntilSynced, withField } from './with-client.ts';

const api = await withField(t);
const url = 'http://field.test';

interface PhoneOptions {
  readonly field: string;
  readonly storage: PersistentStorage;
  /** The API that the phone reaches; may change. */
  readonly target?: TestApi;
  /** Called with each request; what it throws, the phone gets instead of the response. */
  readonly onResponse?: (path: string, method: string) => void;
}

/** A client whose server moves without a change of address, with the paths that it has requested. */
function makePhone(t: Test, { field, storage, target = api, onResponse }: PhoneOptions) {
  const paths: string[] = [];
  const send: typeof fetch = async (address, init) => {
    const path = String(address).slice(url.length);
    paths.push(path);
    const response = await fetch(target.address + path, init);
    onResponse?.(path, init?.method ?? 'GET');
    return response;
  };
  const client = makeClient(t, { url, field, storage, transports: ['polling'], fetch: send });
  return { client, registrations: () => paths.filter((path) => path.startsWith('/api/devices')) };
}

t.test('a restarted app continues as the same device with its stored token', async (t) => {
  const [field, storage] = ['restarted', memoryStorage()];
  const first = makePhone(t, { field, storage });
  await first.client.start();
  first.client.setCells([{ x: 0, y: 0, value: 0.1 }]);
  await waitUntilSynced(first.client);
  await first.client.close();
  t.same(first.registrations(), ['/api/devices']);
  const next = makePhone(t, { field, storage });
  await next.client.start();
  next.client.setCells([{ x: 0, y: 0, value: 0.2 }]);
  await waitUntilSynced(next.client);
  t.equal(next.client.deviceId, first.client.deviceId);
  t.same(next.registrations(), []);
});

t.test('an expired stored token is renewed for the same device', async (t) => {
  const [field, storage] = ['expired', memoryStorage()];
  const first = makePhone(t, { field, storage });
  await first.client.start();
  await waitForStatus(first.client, 'polling');
  await first.client.close();
  const { sub = '', jti = '', registered } = decodeJwt((await storage.get('consciousness-field/token')) ?? '');
  const device = first.client.deviceId as DeviceId;
  const { token } = await signToken(
    {
      ...{ sub, device, fields: ['*'], scope: ['field:read', 'field:write'], expiresInSeconds: -3600 },
      registration: { tokenId: jti, registeredAt: Number(registered) },
    },
    {
      secret: api.backing.config.JWT_SECRET ?? '',
      issuer: 'consciousness-field',
      audience: 'consciousness-field',
    },
  );
  await storage.set('consciousness-field/token', token);
  const next = makePhone(t, { field, storage });
  await next.client.start();
  next.client.setCells([{ x: 0, y: 0, value: 0.2 }]);
  await waitUntilSynced(next.client);
  t.equal(next.client.deviceId, device);
  t.same(next.registrations(), ['/api/devices/renew']);
});

t.test('a device that has to register anew applies nothing twice of what it has sent as the former one', async (t) => {
  const [field, storage] = ['anew', memoryStorage()];
  let isLosing = false;
  const onResponse = (path: string, method: string) => {
    if (isLosing && method === 'POST' && path.endsWith('/updates')) throw new TypeError('the connection is lost');
  };
  const first = makePhone(t, { field, storage, onResponse });
  await first.client.start();
  first.client.emit('harmony');
  await waitUntilSynced(first.client);
  isLosing = true;
  first.client.emit('bloom');
  first.client.setCells([{ x: 1, y: 1, value: 0.5 }]);
  const observer = await api.createToken({ device: null });
  await waitUntil('the server has applied what it never answered', async () => {
    return (await api.request(`/api/fields/${field}`, { token: observer })).body.version >= 3;
  });
  await first.client.close();
  const offline = makePhone(t, { field, storage });
  offline.client.setCells([{ x: 2, y: 2, value: 0.75 }]);

  // The server's secret is replaced without a period of transition: it does not recognise the device any more.
  const target = await withApi(t, api.backing, { JWT_SECRET: 'another secret for tests, of more than 32 bytes' });
  const next = makePhone(t, { field, storage, target });
  next.client.setCells([{ x: 2, y: 2, value: 0.75 }]);
  await next.client.start();
  await waitUntilSynced(next.client);
  t.not(next.client.deviceId, first.client.deviceId);
  t.same(next.registrations(), ['/api/devices/renew', '/api/devices']);
  const log = await readWholeLog(next.client);
  t.same(
    log.map(({ device, update }) => [device === next.client.deviceId, update.kind]),
    [
      [false, 'event'],
      [false, 'event'],
      [false, 'cells.set'],
      [true, 'cells.set'],
    ],
  );
  await next.client.close();
  const later = makePhone(t, { field, storage, target });
  await later.client.start();
  later.client.setCells([{ x: 3, y: 3, value: 1 }]);
  await waitUntilSynced(later.client);
  t.equal(later.client.deviceId, next.client.deviceId);
  t.equal((await readWholeLog(later.client)).length, 5);
});

t.test('what the former device had not sent, is sent as the new one', async (t) => {
  const [field, storage] = ['unsent', memoryStorage()];
  const first = makePhone(t, { field, storage });
  await first.client.start();
  first.client.setCells([{ x: 0, y: 0, value: 0.1 }]);
  await waitUntilSynced(first.client);
  const unreachable = { ...api, address: 'http://127.0.0.1:1' };
  await first.client.close();
  const offline = makePhone(t, { field, storage, target: unreachable });
  await offline.client.start();
  for (const value of [0.2, 0.3]) offline.client.setCells([{ x: 0, y: 0, value }]);
  await offline.client.close();
  const target = await withApi(t, api.backing, { JWT_SECRET: 'another secret for tests, of more than 32 bytes' });
  const next = makePhone(t, { field, storage, target });
  await next.client.start();
  await waitUntilSynced(next.client);
  const values = (await readWholeLog(next.client)).map(
    ({ update }) => update.kind === 'cells.set' && update.cells[0]?.value,
  );
  t.same(values, [0.1, 0.2, 0.3]);
});

t.test('a revoked device reports it, and does not register anew by itself', async (t) => {
  const [field, storage] = ['revoked', memoryStorage()];
  const phone = makePhone(t, { field, storage });
  const problems: ClientProblem[] = [];
  phone.client.on('problem', (problem) => problems.push(problem));
  await phone.client.start();
  await waitForStatus(phone.client, 'polling');
  const device = phone.client.deviceId ?? '';
  await revoke(api.backing.db, { kind: 'device', subject: device });
  await waitForStatus(phone.client, 'refused');
  phone.client.setCells([{ x: 0, y: 0, value: 1 }]);
  await waitUntil('the reason is reported', () => problems.some(({ code }) => code === 'token_revoked'));
  t.equal(phone.registrations().filter((path) => path === '/api/devices').length, 1);
  t.equal(phone.client.deviceId, device);
  t.equal(phone.client.pending, 1);
});

for (const device of ['constructor', 'toString', 'hasOwnProperty']) {
  t.test(`a device with the id ${device} writes to a field that others have made, also after a restart`, async (t) => {
    const [field, storage] = [`named-${device.toLowerCase()}`, memoryStorage()];
    const write = async (name: string, value: number, options = {}) => {
      const token = await api.createToken({ device: name });
      const client = makeClient(t, { url: api.address, field, token, transports: ['polling'], ...options });
      await client.start();
      client.setCells([{ x: 0, y: 0, value }]);
      await waitUntilSynced(client);
      await client.close();
      return client;
    };
    await write('other', 0.1);
    await write(device, 0.2, { storage });
    const last = await write(device, 0.3, { storage });
    t.equal(last.deviceId, device);
    t.same(
      (await readWholeLog(last)).map((entry) => [entry.device, entry.update.counter]),
      [
        ['other', 1],
        [device, 1],
        [device, 2],
      ],
    );
  });
}
