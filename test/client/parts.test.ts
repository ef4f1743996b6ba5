import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { HybridClock } from '../../client/hybrid-clock.ts';
import { localStorage } from '../../client/storage/local-storage.ts';
import { waitUntil } from '../support/wait-until.ts';
import { withClient } from './with-client.ts';

t.test('the clock follows the server, and timestamps ascend even if the wall clock jumps back', async (t) => {
  let wall = 1_000_000;
  const clock = new HybridClock(() => wall);
  clock.correct(5_000_100, wall - 200);
  t.equal(clock.now(), 5_000_200, 'half of the round trip time is added');
  const first = clock.nextTimestamp();
  clock.observe(first);
  wall -= 500_000;
  t.equal(clock.nextTimestamp(), first + 1, 'after a jump back');
  clock.correct(5_000_300, wall);
  t.equal(clock.now(), 5_000_300);
  t.equal(clock.restamp(wall, 0), 5_000_300, 'created and first sent now');
  t.equal(clock.restamp(wall + 3_600_000, 0), 5_000_300, 'a time in the future is limited to now');
  t.equal(clock.restamp(wall, 6_000_000), 6_000_001, 'higher than every timestamp seen');
});

t.test('two tabs of a browser use separate slots in localStorage', async (t) => {
  const values = new Map<string, string>();
  const acquired = new Set<string>();
  const store = {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
  const locks = {
    async request(
      name: string,
      _options: { ifAvailable: true },
      callback: (lock: unknown) => Promise<void> | undefined,
    ) {
      const isFree = !acquired.has(name);
      if (isFree) acquired.add(name);
      await callback(isFree ? { name } : null);
    },
  };
  const tab = () => localStorage({ localStorage: store, navigator: { locks } });
  const [one, other] = [tab(), tab()];
  await one.set('device', 'a');
  await other.set('device', 'b');
  t.same([await one.get('device'), await other.get('device')], ['a', 'b']);
  await one.remove('device');
  t.same([await one.get('device'), await other.get('device')], [null, 'b']);
});

t.test('the Retry-After of a server is respected, also when there are new updates to send', async (t) => {
  const requestTimes: number[] = [];
  const server = createServer((_request, response) => {
    requestTimes.push(Date.now());
    response.writeHead(503, { 'retry-after': '2', 'content-type': 'application/problem+json' });
    response.end('{"code":"overloaded","status":503,"title":"Too many updates are waiting"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = await withClient(t, {
    url,
    field: 'f',
    token: 'any',
    transports: ['polling'],
    random: () => 0,
    deviceId: 'd',
  });
  const problems: string[] = [];
  client.on('problem', ({ code }) => problems.push(code));
  for (let value = 1; value <= 5; value += 1) {
    client.setCells([{ x: value, y: 0, value: 1 }]);
    client.wake();
  }
  await waitUntil('the client has retried', () => requestTimes.length >= 4);
  t.ok((requestTimes[3] ?? 0) - (requestTimes[0] ?? 0) >= 1900, 'two seconds after the first response');
  t.ok(problems.includes('overloaded'));
  t.equal(client.pending, 5);
});
