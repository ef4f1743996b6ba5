import t from 'tap';
import { parseDeltaOutcomes, toLateDelta } from '../../../api/streaming/late-delta.ts';
import { ReplayBuffer } from '../../../api/streaming/replay-buffer.ts';
import { StreamMessage } from '../../../api/streaming/stream-message.ts';
import { TokenBucket } from '../../../api/streaming/transports/token-bucket.ts';
import { TokenExpiryTimer } from '../../../api/streaming/transports/token-expiry-timer.ts';
import { versionOf } from '../../../shared/field/cursor.ts';
import { asCursor } from '../../support/updates.ts';

const delta = (from: number, to: number, bytes = 10) => ({
  from: asCursor(from),
  to: asCursor(to),
  message: new StreamMessage('delta', Buffer.alloc(bytes), asCursor(to)),
});
const versions = (buffer: ReplayBuffer, from: number) => buffer.since(asCursor(from))?.map(({ to }) => versionOf(to));

t.test(
  'the replay buffer returns the deltas from a version to the newest, or undefined if one is missing',
  async (t) => {
    const buffer = new ReplayBuffer();
    for (const [from, to] of [
      [3, 5],
      [5, 5],
      [5, 6],
      [6, 9],
    ] as const)
      buffer.push(delta(from, to));
    t.same(versions(buffer, 3), [5, 5, 6, 9]);
    t.same(versions(buffer, 5), [5, 6, 9]);
    t.same(versions(buffer, 6), [9]);
    t.equal(versions(buffer, 2), undefined, 'the version is before the oldest delta');
    t.equal(versions(buffer, 4), undefined, 'the version is within a delta');
    t.equal(versions(buffer, 9), undefined, 'the version is the newest');
    buffer.clear();
    t.equal(versions(buffer, 3), undefined);
  },
);

t.test('the replay buffer is bounded by count and by bytes', async (t) => {
  const many = new ReplayBuffer();
  for (let version = 0; version < 600; version++) many.push(delta(version, version + 1));
  t.equal(versions(many, 99), undefined);
  t.equal(versions(many, 100)?.length, 500);
  const large = new ReplayBuffer();
  for (let version = 0; version < 6; version++) large.push(delta(version, version + 1, 500 * 1024));
  t.equal(versions(large, 0), undefined);
  t.same(versions(large, 5), [6]);
  t.equal(versions(large, 4), undefined, 'a replay is at most 512 KiB');
});

t.test('the token bucket allows a burst, and a constant rate after it', async (t) => {
  const bucket = new TokenBucket({ capacity: 3, perSecond: 10 }, 0);
  t.same(
    [0, 0, 0, 0].map((now) => bucket.tryConsume(now)),
    [true, true, true, false],
  );
  t.same(
    [99, 100, 150, 200].map((now) => bucket.tryConsume(now)),
    [false, true, false, true],
  );
  t.same(
    [9000, 9000, 9000, 9000].map((now) => bucket.tryConsume(now)),
    [true, true, true, false],
    'the bucket never exceeds its capacity',
  );
});

t.test('a token that is valid for longer than the maximum timer does not expire early', async (t) => {
  let expired = 0;
  const timer = new TokenExpiryTimer(() => {
    expired += 1;
  });
  t.teardown(() => timer.clear());
  const warnings: Error[] = [];
  const listener = (warning: Error) => warnings.push(warning);
  process.on('warning', listener);
  t.teardown(() => process.off('warning', listener));
  timer.set(Date.now() + 60 * 86_400_000);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(expired, 0);
  t.same(warnings, [], 'Node did not shorten the timer');
  timer.set(Date.now() - 1);
  await new Promise<void>((resolve) => {
    const poll = () => (expired === 1 ? resolve() : setImmediate(poll));
    poll();
  });
});

t.test(
  'a late delta keeps only the outcomes that are not in the log, and the totals of the newest state',
  async (t) => {
    const metrics = { globalResonance: 0.5, collectiveIntelligence: 0.3, room64Active: false, lastUpdate: 7 };
    const parsed = (updates: object[]) =>
      parseDeltaOutcomes(
        JSON.stringify({ type: 'delta', from: 1, to: 2, maxTimestamp: 9, changes: { metrics }, updates }),
      );
    const applied = { device: 'a', counter: 1, outcome: 'applied', version: 2 };
    const reused = { device: 'b', counter: 1, outcome: 'reused', version: 1 };
    const newest = { metrics: { ...metrics, lastUpdate: 8 }, maxTimestamp: 12 };
    t.equal(toLateDelta(parsed([applied]), asCursor(5), newest), undefined);
    const lateDelta = toLateDelta(parsed([applied, reused]), asCursor(5), newest);
    t.same(JSON.parse(String(lateDelta?.text)), {
      type: 'delta',
      from: asCursor(5),
      to: asCursor(5),
      maxTimestamp: 12,
      changes: { particles: {}, cells: {}, metrics: newest.metrics },
      updates: [reused],
    });
  },
);

t.test('a Server-Sent Event has a type, an optional cursor, and its data on one line', async (t) => {
  const event = new StreamMessage('delta', Buffer.from('{"a":"\\n"}'), asCursor(7)).event.toString();
  t.equal(event, `id: ${asCursor(7)}\nevent: delta\ndata: {"a":"\\n"}\n\n`);
  t.equal(new StreamMessage('presence', Buffer.from('{}')).event.toString(), 'event: presence\ndata: {}\n\n');
});
