/** What `npm run demo` fills the fields with, and what its devices do. */
import t from 'tap';
import { startDevices } from '../../dev/demo/devices.ts';
import { earthquakes, fillFields, garden } from '../../dev/demo/fill-fields.ts';
import { parseOptions } from '../../dev/demo/options.ts';
import { withApi } from '../api/support/with-app.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { waitUntil } from '../support/wait-until.ts';

t.test('the arguments are checked', async (t) => {
  t.match(parseOptions([]), { devices: 12, url: undefined, isHelp: false });
  t.match(parseOptions(['--devices', '3', '--url', 'http://host/path/']), { devices: 3, url: 'http://host/path' });
  for (const args of [['--devices', '1'], ['--devices', '51'], ['--devices', 'x'], ['--url', 'host'], ['--nothing']])
    t.throws(() => parseOptions(args), args.join(' '));
});

t.test(
  'the fields are filled once, and devices change them and come into conflict until they are stopped',
  async (t) => {
    const backing = await withBacking(t);
    await withWorker(t, backing);
    const api = await withApi(t, backing, { OPEN_REGISTRATION: 'true' });
    const token = await api.createToken({ scope: ['field:read'] });
    const read = async (path: string) => (await api.request(`/api/fields/${path}`, { token })).body;
    await fillFields(api.address);
    const { version, memoryParticles } = await read(earthquakes);
    t.ok(memoryParticles.length >= 800);
    t.ok(memoryParticles.some(({ connections }: { connections: string[] }) => connections.length > 0));
    t.ok(Object.keys((await read(garden)).cells).length > 200);
    await fillFields(api.address);
    t.equal((await read(earthquakes)).version, version, 'what is there stays as it is');

    const stop = await startDevices(api.address, 6);
    t.teardown(stop);
    await waitUntil('there is a conflict', async () => (await read(`${garden}/conflicts`)).total > 0, {
      timeoutMs: 40_000,
    });
    await waitUntil('particles move', async () => (await read(earthquakes)).version > version + 2, {
      timeoutMs: 20_000,
    });
  },
);
