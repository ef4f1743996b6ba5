import t from 'tap';
import { StreamMessage } from '../../../api/streaming/stream-message.ts';
import { Subscriber } from '../../../api/streaming/subscriber.ts';
import { asCursor } from '../../support/updates.ts';

const mebibyte = 1024 * 1024;
const delta = (from: number, to: number) => ({
  from: asCursor(from),
  to: asCursor(to),
  message: new StreamMessage('delta', Buffer.from('{}'), asCursor(to)),
});

/** Creates a subscriber in the following mode at version 1; the test sets how many bytes its sink has buffered. */
function createFollowingSubscriber() {
  const sink = { sent: 0, buffered: 0, closedWith: undefined as number | undefined };
  const subscriber = new Subscriber({
    sink: {
      send() {
        sink.sent += 1;
      },
      bufferedBytes: () => sink.buffered,
      close(code) {
        sink.closedWith = code;
      },
    },
    after: asCursor(1),
  });
  subscriber.reportCaughtUp();
  return { sink, subscriber };
}

t.test('a following subscriber receives the next delta, ignores old deltas and catches up after a gap', async (t) => {
  const { sink, subscriber } = createFollowingSubscriber();
  t.equal(subscriber.deliver(delta(0, 1), 0), 'nothing');
  t.equal(subscriber.deliver(delta(1, 2), 0), 'sent');
  t.equal(subscriber.cursor, asCursor(2));
  t.equal(subscriber.deliver(delta(4, 5), 0), 'catch-up');
  t.equal(subscriber.deliver(delta(2, 3), 0), 'nothing', 'live deltas wait for the end of the catch-up');
  t.equal(sink.sent, 1);
});

t.test('a subscriber whose buffer is full lags until the buffer has drained, and then catches up', async (t) => {
  const { sink, subscriber } = createFollowingSubscriber();
  sink.buffered = 2 * mebibyte;
  t.equal(subscriber.deliver(delta(1, 2), 0), 'nothing');
  t.equal(subscriber.isFollowing, false);
  sink.buffered = mebibyte;
  t.equal(subscriber.checkLag(29_000), 'nothing', 'a buffer below the high-water mark has not drained');
  sink.buffered = 0;
  t.equal(subscriber.checkLag(29_000), 'catch-up');
  subscriber.reportCaughtUp();
  t.equal(subscriber.isFollowing, true);
});

t.test('a lagging subscriber is closed once, after 30 s or above 4 MiB', async (t) => {
  for (const [buffered, now] of [
    [2 * mebibyte, 30_001],
    [5 * mebibyte, 1],
  ] as const) {
    const { sink, subscriber } = createFollowingSubscriber();
    sink.buffered = buffered;
    subscriber.deliver(delta(1, 2), 0);
    t.equal(subscriber.checkLag(now), 'closed');
    t.equal(sink.closedWith, 1013);
    t.equal(subscriber.checkLag(now), 'nothing');
  }
});

t.test('a failed catch-up is retried after the delay', async (t) => {
  const { subscriber } = createFollowingSubscriber();
  subscriber.reportGap();
  subscriber.reportCatchUpFailed(0, 1000);
  t.equal(subscriber.checkLag(999), 'nothing');
  t.equal(subscriber.checkLag(1000), 'catch-up');
});

t.test('an event that is invalid in the current mode throws', async (t) => {
  const { subscriber } = createFollowingSubscriber();
  t.throws(() => subscriber.reportCaughtUp(), /following cannot handle caught-up/);
});
