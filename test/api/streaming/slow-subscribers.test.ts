import t from 'tap';
import { openConnections } from '../../../api/connections.ts';
import { createServices } from '../../../api/server.ts';
import type { StreamMessage } from '../../../api/streaming/stream-message.ts';
import type { MessageSink } from '../../../api/streaming/subscriber.ts';
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

/** A listener whose buffer is as full as the test says. */
function createReader() {
  const messages: StreamMessage[] = [];
  const reader = {
    messages,
    buffered: 0,
    closed: undefined as number | undefined,
    send: (message: StreamMessage) => void messages.push(message),
    bufferedBytes: () => reader.buffered,
    close(code: number) {
      reader.closed = code;
    },
    version: () => messages.findLast(({ version }) => version !== undefined)?.version,
  };
  return reader satisfies MessageSink;
}

t.test('a slow reader is passed over, and brought to the newest state when it has drained', async (t) => {
  const field = asField('slow');
  const slow = createReader();
  const quick = createReader();
  t.teardown(services.hub.subscribe({ field, sink: slow, after: undefined }));
  t.teardown(services.hub.subscribe({ field, sink: quick, after: undefined }));
  await waitUntil('both have the snapshot', () => slow.version() === 0 && quick.version() === 0);
  slow.buffered = 2 * mebibyte;
  for (let counter = 1; counter <= 5; counter++) {
    await backing.producer.enqueue(jobOf(field, device, [setCell(counter, counter, 0.5)]));
    await waitUntil('the quick one has it', () => quick.version() === counter);
  }
  t.equal(slow.version(), 0, 'nothing was put on top of what it cannot take');
  slow.buffered = 0;
  await waitUntil('the slow one has caught up', () => slow.version() === 5);
  await backing.producer.enqueue(jobOf(field, device, [setCell(6, 6, 0.5)]));
  await waitUntil('it follows again', () => slow.version() === 6);
});

t.test('a reader with more than 4 MiB unsent is closed with 1013', async (t) => {
  const field = asField('hopeless');
  const reader = createReader();
  t.teardown(services.hub.subscribe({ field, sink: reader, after: undefined }));
  await waitUntil('it has the snapshot', () => reader.version() === 0);
  reader.buffered = 5 * mebibyte;
  await backing.producer.enqueue(jobOf(field, device, [setCell(1, 1, 0.5)]));
  await waitUntil('it was closed', () => reader.closed !== undefined);
  t.equal(reader.closed, 1013);
});

t.test('whoever missed more than is worth sending one by one gets the sum', async (t) => {
  const field = asField('heavy');
  const reader = createReader();
  t.teardown(services.hub.subscribe({ field, sink: reader, after: undefined }));
  await waitUntil('it has the snapshot', () => reader.version() === 0);
  reader.buffered = 2 * mebibyte;
  const content = 'x'.repeat(2000);
  for (let batch = 0; batch < 4; batch++) {
    const updates = Array.from({ length: 100 }, (_, at) =>
      putParticle(batch * 100 + at + 1, `p-${batch}-${at}`, { content }),
    );
    await backing.producer.enqueue(jobOf(field, device, updates));
  }
  const other = createReader();
  t.teardown(services.hub.subscribe({ field, sink: other, after: undefined }));
  await waitUntil('all is applied', () => other.version() === 400);
  reader.buffered = 0;
  await waitUntil('it has caught up', () => reader.version() === 400);
  t.equal(reader.messages.filter(({ type }) => type === 'delta').length, 1);
});
