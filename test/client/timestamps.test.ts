/** A device's timestamps are above all that it has seen, although the stream carries no timestamps of single values. */
import t from 'tap';
import { memoryStorage } from '../../client/storage/memory-storage.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { makeClient, waitForStatus, waitUntilSynced, withField } from './with-client.ts';

const field = 'timestamps';
const api = await withField(t);

t.test('a client whose clock is behind writes later than everything that it has received', async (t) => {
  const token = await api.createToken({ device: 'other' });
  let counter = 0;
  const write = async (timestamp: number) => {
    counter += 1;
    await api.request(`/api/fields/${field}/updates`, {
      token,
      body: { updates: [setCell(counter, counter, 0.5, { timestamp })] },
      headers: { prefer: 'wait=20' },
    });
  };
  // Ahead of the server's clock, by which a client corrects its own, and less than the server brings down.
  const [first, second] = [Date.now() + 40_000, Date.now() + 50_000];
  const storage = memoryStorage();
  const options = { url: api.address, field, storage, token: await api.createToken() };
  await write(first);
  const client = makeClient(t, options);
  await client.start();
  await waitForStatus(client, 'live');
  await waitUntil('the snapshot has arrived', () => client.state.version === 1);
  t.equal(client.setCells([{ x: 0, y: 1, value: 0.1 }]).update.timestamp, first + 1, 'after a snapshot');
  await waitUntilSynced(client);
  await write(second);
  await waitUntil('the delta has arrived', () => client.state.cells['2,0'] !== undefined);
  t.equal(client.setCells([{ x: 0, y: 2, value: 0.1 }]).update.timestamp, second + 1, 'after a delta');
  await waitUntilSynced(client);
  await client.close();
  const offline = makeClient(t, { ...options, fetch: () => Promise.reject(new Error('offline')) });
  void offline.start();
  await waitUntil('the kept state is loaded', () => offline.state.version > 0);
  const { timestamp } = offline.setCells([{ x: 0, y: 3, value: 0.1 }]).update;
  t.ok(timestamp > second + 1, 'after a start with the kept state');
});
