import t from 'tap';
import { openConnections } from '../../../api/connections.ts';
import { createServices } from '../../../api/services.ts';
import type { StreamMessage } from '../../../api/streaming/stream-message.ts';
import type { MessageSink } from '../../../api/streaming/subscriber.ts';
import { versionOf } from '../../../shared/field/cursor.ts';
import { createLifecycle } from '../../../shared/process/lifecycle.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, putParticle, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';

const mebibyte = 1024 * 1024;
const device = asDevice('phone-1');
const backing = await withBacking(t);
await withWorker(t, backing);
const lifecycle = createLifecycle(backing.log);
t.teardown(() => lifecycle.stop());
const deps = { config: backing.config, log: backing.log, lifecycle };
const services = createServices(deps, await openConnections(deps));

/** A sink whose buffer is as full as the test says. */
function createSink() {
  const messages: StreamMessage[] = [];
  const sink = {
    messages,
    buffered: 0,
    closed: undefined as number | undefined,
    send: (message: StreamMessage) => void messages.push(message),
    bufferedBytes: () => sink.buffered,
    close(code: number) {
      sink.closed = code;
    },
    /** Undefined before the snapshot. */
    version() {
      const cursor = messages.findLast((message) => message.cursor !== undefined)?.cursor;
      return cursor && versionOf(cursor);
    },
  };
  return sink satisfies MessageSink;
}

t.test('a slow subscriber is skipped, and catches up with the newest state when its buffer has drained', async (t) => {
  const field = asField('slow');
  const slow = createSink();
  const fast = createSink();
  t.teardown(services.hub.subscribe({ field, sink: slow, after: undefined }).end);
  t.teardown(services.hub.subscribe({ field, sink: fast, after: undefined }).end);
  await waitUntil('both have the snapshot', () => slow.version() === 0 && fast.version() === 0);
  slow.buffered = 2 * mebibyte;
  for (let counter = 1; counter <= 5; counter++) {
    await backing.producer.enqueue(jobOf(field, device, [setCell(counter, counter, 0.5)]));
    await waitUntil('the fast subscriber has the update', () => fast.version() === counter);
  }
  t.equal(slow.version(), 0, 'nothing was added to a full buffer');
  slow.buffered = 0;
  await waitUntil('the slow subscriber has caught up', () => slow.version() === 5);
  await backing.producer.enqueue(jobOf(field, device, [setCell(6, 6, 0.5)]));
  await waitUntil('the slow subscriber follows again', () => slow.version() === 6);
});

t.test('a subscriber with more than 4 MiB buffered is closed with 1013', async (t) => {
  const field = asField('too-slow');
  const sink = createSink();
  t.teardown(services.hub.subscribe({ field, sink, after: undefined }).end);
  await waitUntil('the snapshot has arrived', () => sink.version() === 0);
  sink.buffered = 5 * mebibyte;
  await backing.producer.enqueue(jobOf(field, device, [setCell(1, 1, 0.5)]));
  await waitUntil('the subscriber was closed', () => sink.closed !== undefined);
  t.equal(sink.closed, 1013);
});

t.test('a subscriber that missed more than a replay may hold gets one delta', async (t) => {
  const field = asField('heavy');
  const sink = createSink();
  t.teardown(services.hub.subscribe({ field, sink, after: undefined }).end);
  await waitUntil('the snapshot has arrived', () => sink.version() === 0);
  sink.buffered = 2 * mebibyte;
  const content = 'x'.repeat(2000);
  for (let batch = 0; batch < 4; batch++) {
    const updates = Array.from({ length: 100 }, (_, at) =>
      putParticle(batch * 100 + at + 1, `p-${batch}-${at}`, { content }),
    );
    await backing.producer.enqueue(jobOf(field, device, updates));
  }
  const other = createSink();
  t.teardown(services.hub.subscribe({ field, sink: other, after: undefined }).end);
  await waitUntil('all updates are applied', () => other.version() === 400);
  sink.buffered = 0;
  await waitUntil('the subscriber has caught up', () => sink.version() === 400);
  t.equal(sink.messages.filter(({ type }) => type === 'delta').length, 1);
});
