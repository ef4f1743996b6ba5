/** What apps for React Native pass to the client, with stand-ins for the modules of the platform, which run on phones only. */
import t from 'tap';
import { createFieldClient } from '../../client/field-client.ts';
import { syncInBackground, wakeOnForeground } from '../../client/react/native.ts';
import { memoryStorage } from '../../client/storage/memory-storage.ts';
import { withTcpGate } from '../api/support/tcp-gate.ts';
import { waitUntil } from '../support/wait-until.ts';
import { makeClient, waitForStatus, withClient, withField } from './with-client.ts';

const api = await withField(t);
const { hostname: host, port } = new URL(api.address);

/** `AppState` and `NetInfo` of a phone that the test puts into the background and cuts off. */
function createPhone() {
  const appStateListeners = new Set<(state: string) => void>();
  const networkListeners = new Set<(state: { isConnected: boolean | null }) => void>();
  return {
    AppState: {
      addEventListener(_name: 'change', listener: (state: string) => void) {
        appStateListeners.add(listener);
        return { remove: () => void appStateListeners.delete(listener) };
      },
    },
    NetInfo: {
      addEventListener(listener: (state: { isConnected: boolean | null }) => void) {
        networkListeners.add(listener);
        return () => void networkListeners.delete(listener);
      },
    },
    show: (state: string) => appStateListeners.forEach((listener) => void listener(state)),
    connect: (isConnected: boolean) => networkListeners.forEach((listener) => void listener({ isConnected })),
    get listeners() {
      return appStateListeners.size + networkListeners.size;
    },
  };
}

t.test('when the app comes to the foreground, edits leave at once and the stream is opened again', async (t) => {
  const gate = await withTcpGate(t, { host, port: Number(port) });
  const phone = createPhone();
  // With the longest pauses, so that only waking ends them in time.
  const options = {
    url: `http://127.0.0.1:${gate.port}`,
    field: 'woken',
    wakeOn: wakeOnForeground(phone),
    random: () => 0.99,
  };
  const client = await withClient(t, options);
  await waitForStatus(client, 'live');
  gate.cut();
  await waitForStatus(client, 'offline');
  await waitUntil('it has failed several times', () => gate.refused >= 6, { timeoutMs: 60_000 });
  client.setCells([{ x: 1, y: 1, value: 0.5 }]);
  phone.show('background');
  phone.connect(false);
  gate.open();
  const wokenAt = performance.now();
  phone.show('active');
  await waitUntil('the edit is applied and the stream live', () => client.pending === 0 && client.status === 'live');
  t.comment(`after ${Math.round(performance.now() - wokenAt)} ms`);
  await client.close();
  t.equal(phone.listeners, 0);
});

t.test('a background task sends what waits, and closes the client again', async (t) => {
  const client = makeClient(t, { url: api.address, field: 'background', storage: memoryStorage() });
  client.setCells([{ x: 1, y: 1, value: 0.5 }]);
  t.equal(await syncInBackground(client), true);
  t.match(client, { pending: 0, status: 'closed' });
  t.equal(await syncInBackground(client), true, 'nothing is left');

  const offline = makeClient(t, { url: 'http://127.0.0.1:9', field: 'background' });
  offline.setCells([{ x: 1, y: 1, value: 0.5 }]);
  t.equal(await syncInBackground(offline, { timeoutMs: 100 }), false);
  t.match(offline, { pending: 1, status: 'closed' });
});

t.test('a url or a field that can never work is refused where the client is created', (t) => {
  for (const url of ['', 'field.example.org', 'ws://field.example.org', '/api'])
    t.throws(() => createFieldClient({ url, field: 'global' }), { message: /url/ }, url);
  for (const field of ['', 'My Field', '-x', 'x'.repeat(65)])
    t.throws(() => createFieldClient({ url: 'http://127.0.0.1', field }), { message: /field/ }, field);
  t.end();
});
