import t from 'tap';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeState } from '../../shared/cache/state-serializer.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';
import { connectRedis } from '../../shared/redis/connect.ts';
import { withBacking, withWorker } from '../support/processes/with-worker.ts';
import { listUpdates } from '../support/read-back.ts';
import { waitUntil } from '../support/wait-until.ts';

const field = 'garden' as FieldId;
const alice = 'alice' as DeviceId;
const bob = 'bob' as DeviceId;

const cell = (counter: number, x: number, value: number): Update => ({
  counter,
  timestamp: 1_700_000_000_000 + counter,
  seen: 0,
  kind: 'cells.set',
  cells: [{ x, y: 0, value }],
});

t.test('each queued update is applied once, and the database, the cache and the channel agree', async (t) => {
  const backing = await withBacking(t);
  const { producer, reader, cache, keys } = backing;
  const messages: string[] = [];
  const subscriber = connectRedis(backing.config.CACHE_REDIS_URL, 'test', backing.log, { enableOfflineQueue: true });
  t.teardown(() => subscriber.disconnect());
  subscriber.on('message', (_, message) => messages.push(message));
  await subscriber.subscribe(keys.fieldChannel(field));
  await withWorker(t, backing);

  const put: Update = {
    counter: 3,
    timestamp: 1_700_000_000_009,
    seen: 0,
    kind: 'particle.put',
    id: 'p',
    resonance: 0.4,
  };
  await producer.enqueue({ field, device: alice, updates: [cell(1, 1, 0.1), cell(2, 2, 0.2), put], acceptedAt: 1 });
  await producer.enqueue({ field, device: alice, updates: [cell(1, 1, 0.1)], acceptedAt: 2 });
  await producer.enqueue({ field, device: alice, updates: [cell(2, 5, 0.9)], acceptedAt: 3 });
  await producer.enqueue({ field, device: bob, updates: [cell(1, 1, 0.7)], acceptedAt: 4 });
  const page = await waitUntil('four updates are in the log', async () => {
    const page = await reader.readLog(field, 0, 100);
    return page && page.updates.length === 4 ? page : undefined;
  });
  t.same(
    listUpdates(page).map(({ device, version, outcome }) => [device, version, outcome]),
    [
      ['alice', 1, 'applied'],
      ['alice', 2, 'applied'],
      ['alice', 3, 'applied'],
      ['bob', 4, 'conflict'],
    ],
  );
  const cached = await waitUntil('the cache is at version 4', async () => {
    const pieces = await cache.read(field);
    return pieces?.version === 4 ? pieces : undefined;
  });
  const stored = await reader.loadState(field);
  if (!stored) throw new Error('the field is not in the database');
  t.equal(serializeState(cached).toString(), serializeState(toFragments(stored)).toString());
  const outcomes = await waitUntil('every outcome was published', () => {
    const updates = messages.flatMap((message) => JSON.parse(message.slice(message.indexOf('\n'))).updates);
    return updates.length === 6 ? updates : undefined;
  });
  t.same(
    outcomes
      .map(
        ({ device, counter, outcome }: { device: string; counter: number; outcome: string }) =>
          `${device} ${counter} ${outcome}`,
      )
      .sort(),
    ['alice 1 applied', 'alice 1 duplicate', 'alice 2 applied', 'alice 2 reused', 'alice 3 applied', 'bob 1 conflict'],
  );
  const conflicts = await reader.readConflicts(field);
  t.equal(conflicts?.total, 1);
  t.match(conflicts?.conflicts[0], {
    cell: '1,0',
    local: { device: 'alice', value: 0.1 },
    remote: { device: 'bob', value: 0.7 },
  });
});
