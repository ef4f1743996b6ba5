/** What the board shows of the queues and their jobs. Jobs are untrusted: anyone who can reach the queue's Redis can add them. */
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { Queue } from 'bullmq';
import { type ApplyUpdates, listRequests, type UpdatesJob } from '../../shared/contract/job.ts';
import { isFieldId } from '../../shared/field/ids.ts';
import type { OpenFallbackQueue } from '../../shared/queue/fallback-queue.ts';

/** Relative to the base of the board's page, so that it also works below the path of a proxy. */
const livePage = '../../';

interface BoardJob {
  readonly name: string;
  readonly data: UpdatesJob;
}

/** A partition of the queue, with buttons for actions only if the operator may perform them. */
export function createPartitionAdapter(queue: Queue, canWrite: () => boolean): BullMQAdapter {
  const partition = queue.name.split('-')[1] ?? '0';
  const adapter = new BullMQAdapter(queue, {
    displayName: `Updates, partition ${partition}`,
    description:
      'The updates of some of the fields, in Redis. Workers take a job out as soon as its updates are applied.',
    externalJobUrl: linkToField,
  });
  adapter.setFormatter('name', describeJob);
  return Object.defineProperties(adapter, {
    readOnlyMode: { get: () => !canWrite() },
    allowRetries: { get: canWrite },
    allowCompletedRetries: { get: () => false },
  });
}

/** The fallback queue in PostgreSQL, read-only. Workers drain it. */
export function createFallbackAdapter(queue: OpenFallbackQueue): BullMQAdapter {
  // The board's types only support queues in Redis.
  const adapter = new BullMQAdapter(queue as unknown as Queue, {
    prefix: 'postgresql-',
    displayName: 'Updates in PostgreSQL',
    description: "What is accepted while the queue's Redis is unavailable.",
    readOnlyMode: true,
    allowRetries: false,
    externalJobUrl: linkToField,
  });
  adapter.setFormatter('name', describeJob);
  return adapter;
}

/** For example `garden: phone-1, counters 12 to 14, 1.2 kB`. */
function describeJob({ name, data }: BoardJob): string {
  try {
    const requests = listRequests(data);
    const size = `${(JSON.stringify(data).length / 1000).toFixed(1)} kB`;
    const [first] = requests;
    if (requests.length === 1 && first) return `${first.field}: ${first.device}, ${describeCounters(first)}, ${size}`;
    const count = requests.reduce((sum, { updates }) => sum + updates.length, 0);
    const fields = [...new Set(requests.map(({ field }) => field))];
    return `${fields.slice(0, 3).join(', ')}${fields.length > 3 ? ', …' : ''}: ${requests.length} requests, ${count} updates, ${size}`;
  } catch {
    return `${name}, not readable`;
  }
}

function describeCounters({ updates }: ApplyUpdates): string {
  const [first, last] = [updates[0]?.counter, updates.at(-1)?.counter];
  return first === last ? `counter ${first}` : `counters ${first} to ${last}`;
}

function linkToField({ data }: { readonly data: UpdatesJob }) {
  const [first] = listRequests(data);
  return typeof first?.field === 'string' && isFieldId(first.field)
    ? { displayText: `Field ${first.field}`, href: `${livePage}?field=${encodeURIComponent(first.field)}` }
    : { displayText: 'Live page', href: livePage };
}
