/** Which device and account send what is stored: clients of several fields, and several people, on one phone. */
import t, { type Test } from 'tap';
import type { FieldClientOptions } from '../../client/options.ts';
import { memoryStorage } from '../../client/storage/memory-storage.ts';
import type { PersistentStorage } from '../../client/storage/persistent-storage.ts';
import type { ClientProblem } from '../../client/types.ts';
import { waitUntil } from '../support/wait-until.ts';
import { readWholeLog } from './read-log.ts';
import { makeClient, waitUntilSynced, withClient, withField } from './with-client.ts';

const api = await withField(t);
const unreachable = 'http://127.0.0.1:9';

interface AppOptions extends Partial<FieldClientOptions> {
  readonly field: string;
  readonly storage: PersistentStorage;
}

async function startApp(t: Test, options: AppOptions) {
  const problems: ClientProblem[] = [];
  const client = makeClient(t, { url: api.address, transports: ['polling'], ...options });
  client.on('problem', (problem) => problems.push(problem));
  await client.start();
  return { client, problems };
}

function tokenOf(user: string): Promise<string> {
  return api.createToken({ user, device: `phone-of-${user}` });
}

async function readAuthors(t: Test, field: string) {
  const reader = await withClient(t, { url: api.address, field });
  return (await readWholeLog(reader)).map(({ device, update }) => [device, 'cells' in update && update.cells[0]?.x]);
}

t.test('clients of two fields on a new storage are one device, and nothing is applied twice', async (t) => {
  const storage = memoryStorage();
  const fields = ['field-a', 'field-b', 'field-c'];
  const devices = new Set<string | undefined>();
  for (let launch = 0; launch < 3; launch += 1) {
    const apps = await Promise.all(fields.map((field) => startApp(t, { field, storage })));
    for (const { client } of apps)
      for (let x = 0; x < 5; x += 1) client.setCells([{ x: launch * 5 + x, y: 0, value: 1 }]);
    if (launch === 1) for (const { client } of apps) await waitUntilSynced(client);
    else await waitUntil('something is sent', () => apps.every(({ client }) => client.pending < 5));
    await Promise.all(apps.map(({ client }) => client.close()));
    for (const { client } of apps) devices.add(client.deviceId);
  }
  t.equal(devices.size, 1);
  const [device] = devices;
  for (const field of fields) {
    const { client } = await startApp(t, { field, storage });
    await waitUntilSynced(client);
    await client.close();
    t.same(
      await readAuthors(t, field),
      Array.from({ length: 15 }, (_, x) => [device, x]),
    );
  }
});

t.test('unsent updates wait for the account that has made them', async (t) => {
  const [field, storage] = ['accounts', memoryStorage()];
  const edit = async (user: string, x: number, url = api.address) => {
    const app = await startApp(t, { field, storage, url, token: await tokenOf(user) });
    app.client.setCells([{ x, y: 0, value: 1 }]);
    if (url === api.address) await waitUntilSynced(app.client);
    const { pending } = app.client;
    await app.client.close();
    return { ...app, pending };
  };
  t.equal((await edit('alice', 1, unreachable)).pending, 1);
  const bob = await edit('bob', 2);
  t.match(bob.problems, [{ code: 'other_account', message: /^1 updates wait for another account/ }]);
  t.notOk('1,0' in bob.client.state.cells, 'nor are they shown');
  t.equal((await edit('bob', 3, unreachable)).pending, 1);
  t.same((await edit('alice', 4)).client.outbox, []);
  t.same(await readAuthors(t, field), [
    ['phone-of-bob', 2],
    ['phone-of-alice', 1],
    ['phone-of-alice', 4],
  ]);
  await edit('bob', 5);
  t.same((await readAuthors(t, field)).slice(3), [
    ['phone-of-bob', 3],
    ['phone-of-bob', 5],
  ]);
});

t.test('an account that signs in while the app runs sends only what is its own', async (t) => {
  const [field, storage] = ['signs-in', memoryStorage()];
  let isOnline = true;
  let user = 'carol';
  const { client, problems } = await startApp(t, {
    field,
    storage,
    getToken: () => tokenOf(user),
    fetch: (address, init) => (isOnline ? fetch(address, init) : Promise.reject(new Error('offline'))),
  });
  client.setCells([{ x: 1, y: 0, value: 1 }]);
  await waitUntilSynced(client);
  isOnline = false;
  client.setCells([{ x: 2, y: 0, value: 1 }]);
  user = 'dave';
  client.renewToken();
  await waitUntil('the update is set aside', () => client.pending === 0);
  t.notOk('2,0' in client.state.cells);
  client.setCells([{ x: 3, y: 0, value: 1 }]);
  isOnline = true;
  await waitUntilSynced(client);
  t.ok(problems.some(({ code }) => code === 'other_account'));
  user = 'carol';
  client.renewToken();
  await waitUntil('the update is sent', () => '2,0' in client.state.cells && client.pending === 0);
  t.same(await readAuthors(t, field), [
    ['phone-of-carol', 1],
    ['phone-of-dave', 3],
    ['phone-of-carol', 2],
  ]);
});

t.test('updates made without an account are sent by the first that signs in', async (t) => {
  const [field, storage] = ['anonymous', memoryStorage()];
  const offline = await startApp(t, { field, storage, url: unreachable });
  offline.client.setCells([{ x: 1, y: 0, value: 1 }]);
  await offline.client.close();
  const { client } = await startApp(t, { field, storage, token: await tokenOf('erin') });
  await waitUntilSynced(client);
  t.same(await readAuthors(t, field), [['phone-of-erin', 1]]);
});

t.test('offline, before there is a token, updates are those of the account that was signed in last', async (t) => {
  const [field, storage] = ['last-account', memoryStorage()];
  const first = await startApp(t, { field, storage, getToken: () => tokenOf('frank') });
  first.client.setCells([{ x: 1, y: 0, value: 1 }]);
  await waitUntilSynced(first.client);
  await first.client.close();
  const offline = await startApp(t, { field, storage, getToken: () => Promise.reject(new Error('no network')) });
  offline.client.setCells([{ x: 2, y: 0, value: 1 }]);
  t.ok('1,0' in offline.client.state.cells, 'the last state is shown');
  await offline.client.close();
  const next = await startApp(t, { field, storage, getToken: () => tokenOf('grace') });
  await waitUntil('the update is set aside', () => next.client.pending === 0);
  await next.client.close();
  const again = await startApp(t, { field, storage, getToken: () => tokenOf('frank') });
  await waitUntil('it is sent', () => again.client.pending === 0 && '2,0' in again.client.state.cells);
  t.same(await readAuthors(t, field), [
    ['phone-of-frank', 1],
    ['phone-of-frank', 2],
  ]);
});
