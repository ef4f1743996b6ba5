import t from 'tap';
import { ReorderWindow } from '../../workers/commit/reorder-window.ts';
import { type Backing, withBacking, withWorker } from '../support/processes/with-worker.ts';
import { listUpdates, waitForVersion } from '../support/read-back.ts';
import { readUpdates } from '../support/read-updates.ts';
import { asDevice, asField, jobOf, setCell } from '../support/updates.ts';

const field = asField('garden');
const alice = asDevice('alice');

async function readOrder({ reader }: Backing, max = 1000): Promise<string[]> {
  const page = await reader.readLog(field, 0, max);
  return listUpdates(page).map(({ device, update, outcome }) => `${device} ${update.counter} ${outcome}`);
}

t.test("a device's updates are applied in the order of their counters when jobs arrive out of order", async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  await withWorker(t, backing);
  for (const counters of [[2, 3], [5], [4], [1]]) {
    await backing.producer.enqueue(
      jobOf(
        field,
        alice,
        counters.map((counter) => setCell(counter, 1, counter / 10)),
      ),
    );
  }
  await waitForVersion(backing, field, 5);
  t.same(
    await readOrder(backing),
    [1, 2, 3, 4, 5].map((counter) => `alice ${counter} applied`),
  );
});

t.test('updates are applied after a short wait when a device skips counters', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const counters = [10, 20, 30, 40, 50, 60];
  for (const counter of counters) {
    await backing.producer.enqueue(jobOf(field, alice, [setCell(counter, counter / 10, counter / 100)]));
  }
  await waitForVersion(backing, field, counters.length);
  await backing.producer.enqueue(jobOf(field, alice, [setCell(5, 1, 0.5)]));
  await waitForVersion(backing, field, 7);
  t.equal(
    (await readOrder(backing)).at(-1),
    'alice 5 superseded',
    'an update with a lower counter that arrives later is still logged',
  );
});

t.test('no update is superseded when a device enqueues its updates in order', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const count = 400;
  for (let counter = 1; counter <= count; counter += 1) {
    await backing.producer.enqueue(jobOf(field, alice, [setCell(counter, 1, counter / 1000)]));
  }
  await waitForVersion(backing, field, count);
  t.same(
    await readOrder(backing),
    Array.from({ length: count }, (_, index) => `alice ${index + 1} applied`),
  );
});

t.test('jobs that one producer enqueues for many devices are applied in the order of the queue', async (t) => {
  const backing = await withBacking(t);
  await withWorker(t, backing);
  const sent = (await readUpdates('concurrent-cells.ndjson.gz')).slice(0, 3000);
  const jobs = sent.map(({ device, update }) => jobOf(field, device, [update]));
  for (let start = 0; start < jobs.length; start += 500) {
    await backing.producer.enqueueAll(jobs.slice(start, start + 500));
  }
  await waitForVersion(backing, field, sent.length);
  const applied = await readOrder(backing, sent.length);
  t.same(
    applied.map((line) => line.split(' ', 2).join(' ')),
    sent.map(({ device, update }) => `${device} ${update.counter}`),
  );
});

t.test('the number of times that an update of a device is deferred is bounded', async (t) => {
  const holds = new ReorderWindow();
  const holdsIn = (from: number, ms: number) =>
    Array.from({ length: ms / 10 }, (_, index) => holds.shouldDefer(alice, 1, 3, from + index * 10)).filter(Boolean)
      .length;
  t.notOk(holds.shouldDefer(alice, 1, 2, 0), 'the next counter is never deferred');
  t.notOk(holds.shouldDefer(alice, 5, 2, 0), 'neither is a lower counter');
  t.equal(holdsIn(1000, 2000), 20);
  t.equal(holdsIn(4000, 2000), 20, 'the bound applies again after a pause');
  t.ok(
    holds.shouldDefer(alice, 1, 3, 9000) && holds.shouldDefer(alice, 1, 4, 9000),
    'several checks at the same time count once',
  );
  t.equal(holdsIn(500, 1000), 20, 'also after the clock was set back');
});

for (const [attemptMs, deferrals] of [
  [400, 8],
  [4000, 1],
] as const) {
  t.test(`an update is deferred for 3 s, or once, if an attempt takes ${attemptMs} ms`, async (t) => {
    const holds = new ReorderWindow();
    const answers = Array.from({ length: deferrals + 1 }, (_, index) => [
      holds.shouldDefer(alice, 1, 3, index * attemptMs),
      holds.shouldDefer(alice, 1, 4, index * attemptMs),
    ]);
    t.same(answers.pop(), [false, false]);
    t.ok(answers.flat().every(Boolean));
  });
}
