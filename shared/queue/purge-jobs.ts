/** Removes erased requests from a queue, on either of BullMQ's backends, regardless of the state of the jobs. */
import type { ApplyUpdates, UpdatesJob } from '../contract/job.ts';
import { listRequests } from '../contract/job.ts';
import type { DeviceId, FieldId } from '../field/ids.ts';

export interface PurgeFilter {
  isErased(request: ApplyUpdates): boolean;
  /** The devices whose entries in the vector clocks of others are removed. */
  readonly devices: ReadonlySet<string>;
}

export interface PurgedJobs {
  /** How many jobs were removed, or lost a part of their requests. */
  readonly jobs: number;
  /** How many jobs were being processed before or after the others were removed, and may still be applied. */
  readonly active: number;
  /** The updates that were removed. */
  readonly updates: readonly { readonly field: FieldId; readonly device: DeviceId; readonly counter: number }[];
}

/** The part of a job that both of BullMQ's backends provide. */
interface QueuedJob {
  readonly data: UpdatesJob;
  remove(): Promise<void>;
  updateData(data: UpdatesJob): Promise<void>;
}

export interface PurgeableQueue {
  getJobs(states: QueuedState[], start: number, end: number, asc: boolean): Promise<(QueuedJob | undefined)[]>;
  /** Trims the queue's stored events, which contain the reasons of failures. */
  trimEvents(maxLength: number): Promise<number>;
}

/** In the order in which jobs move, so that one that moves meanwhile is not missed. */
const states = ['delayed', 'paused', 'prioritized', 'waiting', 'failed', 'completed'] as const;
type QueuedState = (typeof states)[number] | 'active';

const pageSize = 1000;
/** Pages overlap, since workers remove jobs from the front meanwhile. */
const stride = 500;

export async function purgeJobs(queue: PurgeableQueue, filter: PurgeFilter): Promise<PurgedJobs> {
  const purged = { jobs: 0, updates: [] as PurgedJobs['updates'][number][] };
  // Counted before and after: a job that a worker gives back meanwhile may be missed among the waiting ones.
  const activeBefore = await countActive(queue, filter);
  for (const state of states) {
    await eachPage(queue, state, async (job) => {
      const change = planChange(job.data, filter);
      if (!change) return false;
      // If a worker takes the job meanwhile, its updates are counted as active, or are in the log.
      const isChanged = await (change.rest ? job.updateData(change.rest) : job.remove()).then(...settled);
      if (!isChanged) return false;
      purged.jobs += 1;
      purged.updates.push(...change.erased.flatMap(listUpdates));
      return change.rest === undefined;
    });
  }
  const active = Math.max(activeBefore, await countActive(queue, filter));
  if (purged.jobs > 0) await queue.trimEvents(0);
  return { ...purged, active };
}

async function countActive(queue: PurgeableQueue, filter: PurgeFilter): Promise<number> {
  let active = 0;
  await eachPage(queue, 'active', async ({ data }) => {
    if (listRequests(data).some((request) => isErased(request, filter))) active += 1;
    return false;
  });
  return active;
}

const settled = [() => true, () => false] as const;

/** @param visit resolves to whether the job is gone */
async function eachPage(queue: PurgeableQueue, state: QueuedState, visit: (job: QueuedJob) => Promise<boolean>) {
  for (let start = 0; ; ) {
    const jobs = await queue.getJobs([state], start, start + pageSize - 1, true);
    let gone = 0;
    for (const job of jobs) if (job && (await visit(job))) gone += 1;
    if (jobs.length < pageSize) return;
    start += Math.max(0, stride - gone);
  }
}

interface Change {
  readonly erased: readonly ApplyUpdates[];
  /** The rest of the job; undefined if nothing is left. */
  readonly rest: UpdatesJob | undefined;
}

/** @returns undefined for a job that does not change */
function planChange(data: UpdatesJob, filter: PurgeFilter): Change | undefined {
  const requests = listRequests(data);
  const erased = requests.filter((request) => isErased(request, filter));
  const left = requests.filter((request) => !isErased(request, filter));
  const mentions = left.some((request) => hasMention(request, filter));
  if (erased.length === 0 && !mentions) return undefined;
  if (left.length === 0) return { erased, rest: undefined };
  const cleaned = left.map((request) => withoutMentions(request, filter));
  const [only] = cleaned;
  return { erased, rest: requests.length === 1 && only ? only : { together: cleaned } };
}

/** A dead-letter job may have any shape. */
function isErased(request: ApplyUpdates | null | undefined, filter: PurgeFilter): boolean {
  return typeof request === 'object' && request !== null && filter.isErased(request);
}

function hasMention(request: ApplyUpdates, { devices }: PurgeFilter): boolean {
  return listSent(request).some(({ clock }) => Object.keys(clock ?? {}).some((device) => devices.has(device)));
}

function withoutMentions(request: ApplyUpdates, filter: PurgeFilter): ApplyUpdates {
  if (!hasMention(request, filter)) return request;
  const updates = listSent(request).map(({ clock = {}, ...update }) => {
    const others = Object.entries(clock).filter(([device]) => !filter.devices.has(device));
    return { ...update, ...(others.length > 0 ? { clock: Object.fromEntries(others) } : {}) };
  });
  return { ...request, updates };
}

function listSent(request: ApplyUpdates): ApplyUpdates['updates'] {
  return Array.isArray(request?.updates) ? request.updates.filter((update) => typeof update === 'object') : [];
}

function listUpdates(request: ApplyUpdates) {
  const { field, device } = request;
  return listSent(request).map(({ counter }) => ({ field, device, counter }));
}
