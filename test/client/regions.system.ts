/** Clients that watch a part of a field. */
import t, { type Test } from 'tap';
import { memoryStorage } from '../../client/storage/memory-storage.ts';
import type { FieldClient, Region } from '../../client/types.ts';
import { waitUntil } from '../support/wait-until.ts';
import { makeClient, waitForStatus, waitUntilSynced, withClient, withField } from './with-client.ts';

const api = await withField(t);
const near: Region = { x0: 0, y0: 0, x1: 10, y1: 10 };
const far: Region = { x0: 20, y0: 20, x1: 30, y1: 30 };
const at = (x: number, y: number) => ({ position: { x, y } });

const shown = ({ state }: FieldClient) =>
  [...state.memoryParticles.map(({ id }) => id), ...Object.keys(state.cells)].sort();
const isShown = (client: FieldClient, ids: readonly string[]) => shown(client).join() === ids.join();
const showsSoon = (client: FieldClient, ...ids: string[]) =>
  waitUntil(`${ids.join()} are shown`, () => isShown(client, ids)).catch((error) => {
    throw new Error(`${error.message}, but ${shown(client).join()}`);
  });

/** A field with two particles and two cells, each in one of the regions, and the client that has made them. */
async function withTwoParts(t: Test, field: string): Promise<FieldClient> {
  const writer = await withClient(t, { url: api.address, field });
  writer.putParticle('near', at(1, 1));
  writer.putParticle('far', at(25, 25));
  writer.setCells([
    { x: 2, y: 2, value: 0.5 },
    { x: 22, y: 22, value: 0.5 },
  ]);
  await waitUntilSynced(writer);
  return writer;
}

for (const transport of ['websocket', 'polling'] as const) {
  t.test(`by ${transport}, the state has what is inside of a region, which can be moved`, async (t) => {
    const field = `moves-${transport}`;
    const writer = await withTwoParts(t, field);
    const client = await withClient(t, { url: api.address, field, region: near, transports: [transport] });
    await showsSoon(client, '2,2', 'near');
    t.same(client.state.region, near);
    client.setRegion(far);
    await showsSoon(client, '22,22', 'far');
    client.setRegion(null);
    await showsSoon(client, '2,2', '22,22', 'far', 'near');
    t.equal(client.state.region, undefined);
    client.setRegion(near);
    await showsSoon(client, '2,2', 'near');
    writer.putParticle('near', at(15, 15));
    await showsSoon(client, '2,2');
    writer.putParticle('far', at(3, 3));
    await showsSoon(client, '2,2', 'far');
    client.setRegion(null);
    await showsSoon(client, '2,2', '22,22', 'far', 'near');
    t.same(client.state, writer.state);
  });
}

t.test('own edits are shown inside and outside of the region until they are applied, also offline', async (t) => {
  const field = 'offline-edits';
  const writer = await withTwoParts(t, field);
  const storage = memoryStorage();
  const options = { url: api.address, field, region: near, storage };
  const client = await withClient(t, options);
  await showsSoon(client, '2,2', 'near');
  await client.close();
  client.putParticle('inside', at(4, 4));
  client.putParticle('outside', at(24, 24));
  t.same(shown(client), ['2,2', 'inside', 'near', 'outside']);
  t.equal(client.pending, 2);
  await client.start();
  await waitUntilSynced(client);
  await showsSoon(client, '2,2', 'inside', 'near');
  await showsSoon(writer, '2,2', '22,22', 'far', 'inside', 'near', 'outside');
  client.setCells([{ x: 25, y: 25, value: 1 }]);
  t.equal(client.state.cells['25,25'], 1);
  await waitUntilSynced(client);
  await showsSoon(client, '2,2', 'inside', 'near');
  t.equal(writer.state.version >= 6, true);
});

t.test('a stream that was interrupted resumes with all that is inside', async (t) => {
  const field = 'interrupted';
  const writer = await withTwoParts(t, field);
  const client = await withClient(t, { url: api.address, field, region: near });
  await showsSoon(client, '2,2', 'near');
  await client.close();
  writer.putParticle('near', at(12, 12));
  writer.putParticle('new', at(5, 5));
  await waitUntilSynced(writer);
  client.setRegion(far);
  client.setRegion(near);
  await client.start();
  await showsSoon(client, '2,2', 'new');
});

t.test('a region that is set while the client connects, or is closed, is the one that is watched', async (t) => {
  const field = 'set-early';
  await withTwoParts(t, field);
  const client = makeClient(t, { url: api.address, field, region: near });
  await client.start();
  client.setRegion(far);
  await showsSoon(client, '22,22', 'far');
  await client.close();
  client.setRegion(null);
  await client.start();
  await showsSoon(client, '2,2', '22,22', 'far', 'near');
});

t.test('after a restart, the stored part of a field passes neither for the whole nor for another part', async (t) => {
  const field = 'restarted-part';
  await withTwoParts(t, field);
  const storage = memoryStorage();
  const first = await withClient(t, { url: api.address, field, region: near, storage });
  await showsSoon(first, '2,2', 'near');
  await first.close();
  const unreachable = { field, url: api.address, storage, fetch: () => Promise.reject(new Error('offline')) };
  for (const [region, ids] of [
    [near, ['2,2', 'near']],
    [far, []],
    [undefined, []],
  ] as const) {
    const offline = makeClient(t, { ...unreachable, ...(region && { region }), transports: ['polling'] });
    await offline.start();
    t.same(shown(offline), ids, JSON.stringify(region));
    t.equal(offline.state.cursor, first.state.cursor);
    await offline.close();
  }
  const whole = await withClient(t, { url: api.address, field, storage });
  await waitForStatus(whole, 'live');
  await showsSoon(whole, '2,2', '22,22', 'far', 'near');
  t.equal(whole.state.region, undefined);
});

t.test('what is no region is refused where it is passed', async (t) => {
  const options = { url: api.address, field: 'f' };
  const client = makeClient(t, options);
  for (const region of [
    {},
    [],
    'all',
    { ...near, x1: 0 },
    { ...near, y1: -1 },
    { ...near, x0: Number.NaN },
    { ...near, x1: Number.POSITIVE_INFINITY },
    { ...near, x1: 2 ** 53 },
    { ...near, x0: '0' },
  ]) {
    t.throws(() => client.setRegion(region as never), TypeError, JSON.stringify(region));
    t.throws(() => makeClient(t, { ...options, region: region as never }), TypeError, JSON.stringify(region));
  }
  client.setRegion({ ...near, name: 'extra' } as Region);
});
