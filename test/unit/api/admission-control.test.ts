import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { AdmissionControl } from '../../../api/admission/admission-control.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import type { QueueMemory } from '../../../shared/queue/redis-health.ts';
import { waitUntil } from '../../support/wait-until.ts';

const mebibyte = 1024 ** 2;

interface QueueState {
  readonly backlog: number;
  readonly memory: QueueMemory | undefined;
}

/** Starts admission control with limits of 10 jobs and 16 MiB, and waits until it has polled a queue in this state. */
async function withAdmission(t: Test, { backlog, memory }: QueueState): Promise<AdmissionControl> {
  let isPolled = false;
  const admission = new AdmissionControl({
    producer: { countBacklog: async () => backlog, readMemory: async () => memory },
    maxJobs: 10,
    maxQueueMemoryMb: 16,
    log: createLogger({ name: 'test', level: 'silent' }, { write: () => undefined }),
    onBacklogCount: () => {
      isPolled = true;
    },
  });
  t.teardown(() => admission.close());
  admission.start();
  await waitUntil('the queue has been polled', () => isPolled);
  return admission;
}

const createRequest = () => ({ raw: new IncomingMessage(new Socket()) });

t.test('an overloaded error states which limit was exceeded', async (t) => {
  const long = await withAdmission(t, { backlog: 11, memory: undefined });
  t.throws(() => long.assertCapacity(), { code: 'overloaded', detail: /updates are queued/ });
  const full = await withAdmission(t, { backlog: 0, memory: { usedBytes: 71, maxBytes: 100 } });
  t.throws(() => full.assertCapacity(), { code: 'overloaded', detail: /queue's memory/ });
  const receiving = await withAdmission(t, { backlog: 0, memory: undefined });
  receiving.inFlight.reserve(createRequest(), 129 * mebibyte);
  t.throws(() => receiving.assertCapacity(), { code: 'overloaded', detail: /receiving too many bytes/ });
  const idle = await withAdmission(t, { backlog: 10, memory: { usedBytes: 70, maxBytes: 100 } });
  idle.assertCapacity();
});

t.test('updates of low priority are refused at a twentieth of the queue, before others are slowed down', async (t) => {
  const busy = await withAdmission(t, { backlog: 1, memory: undefined });
  t.throws(() => busy.assertLowPriorityCapacity(), { code: 'overloaded', detail: /low priority/ });
  busy.assertCapacity();
  t.notOk(busy.isCongested);
  (await withAdmission(t, { backlog: 0, memory: undefined })).assertLowPriorityCapacity();
});

t.test('in-flight bodies count as queue memory until they are released', async (t) => {
  const admission = await withAdmission(t, { backlog: 0, memory: { usedBytes: 10 * mebibyte, maxBytes: 0 } });
  const request = createRequest();
  admission.inFlight.reserve(request, 7 * mebibyte);
  t.throws(() => admission.assertCapacity(), { code: 'overloaded' });
  t.notOk(admission.isOverloaded, 'the queue itself is not full');
  admission.inFlight.release(request);
  admission.inFlight.release(request);
  admission.assertCapacity();
});

t.test('jobs that were added since the last poll count towards the backlog', async (t) => {
  const admission = await withAdmission(t, { backlog: 10, memory: undefined });
  await admission.trackEnqueue(1000, async () => undefined);
  t.throws(() => admission.assertCapacity(), { code: 'overloaded' });
});
