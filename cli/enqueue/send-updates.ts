/**
 * The producer half of `enqueue`: reads lines in the order of the input, skips invalid lines and updates that are already
 * applied, and puts the rest into the queue, with backpressure from the queue's backlog.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { isSamePayload } from '../../shared/updates/same-payload.ts';
import type { EnqueueCounts } from './counts.ts';
import { DeviceCounters } from './device-counters.ts';
import { ExportedOrder } from './exported-order.ts';
import { formatUpdateKey, type InFlight, toUpdateKey } from './in-flight.ts';
import { groupByDevice, groupUpdates, toJob } from './input/group-jobs.ts';
import type { LineReport } from './input/line-report.ts';
import type { LineInput } from './input/open-inputs.ts';
import type { DeviceUpdate, ParseLine } from './input/parse-line.ts';
import type { Line } from './input/read-lines.ts';
import { collectWindows } from './input/windows.ts';
import type { Pace } from './pace.ts';
import type { EnqueueBackends } from './resilient-backends.ts';
import type { RecordedRun } from './runs/recorded-run.ts';

/** The first and the longest pause between two counts of the backlog, which cost the servers time. */
const pollMs = 20;
const maxPollMs = 200;
const stallMs = 15_000;

export interface SendUpdatesDeps {
  readonly inputs: readonly LineInput[];
  readonly readRecords: (input: LineInput, signal: AbortSignal) => AsyncIterable<Line[]>;
  readonly field: FieldId;
  /** Maximum updates per job. */
  readonly batch: number;
  /** Whether updates of different devices stay in the order of the input. */
  readonly keepsOrder: boolean;
  /** Maximum jobs waiting in the queue. */
  readonly maxBacklog: number;
  /** Maximum updates in them. */
  readonly maxWaitingUpdates: number;
  /** Maximum jobs that are added at once. */
  readonly maxJobsAtOnce: number;
  readonly pace: Pace;
  readonly run: Pick<RecordedRun, 'waitWhilePaused' | 'cancelled'>;
  readonly parse: ParseLine;
  readonly backends: EnqueueBackends;
  readonly counts: EnqueueCounts;
  readonly report: LineReport;
  readonly printLine: (line: string) => void;
  /** Tracks accepted updates until they are applied; undefined with --no-wait. */
  readonly inFlight: InFlight | undefined;
  /**
   * Stops reading. Updates that were read already are sent, unless the queue is full: then a file is sent again from its beginning.
   */
  readonly signal: AbortSignal;
}

/** An update, and whether the log may have it already. */
interface Candidate {
  readonly update: DeviceUpdate;
  readonly isNew: boolean;
}

/** @returns whether all inputs were sent to the end */
export async function sendUpdates(deps: SendUpdatesDeps): Promise<boolean> {
  const { inputs, readRecords, signal, field, backends, printLine } = deps;
  const counters = new DeviceCounters((devices) => backends.readLastCounters(field, devices));
  const order = new ExportedOrder(() => backends.readVersion(field), printLine);
  for (const input of inputs) {
    for await (const lines of collectWindows(readRecords(input, signal))) {
      if (signal.aborted) return false;
      const candidates = await checkLines(deps, { counters, order }, lines);
      const newUpdates = await skipKnownUpdates(deps, candidates);
      if (!(await sendNewUpdates(deps, newUpdates))) return false;
    }
  }
  return !signal.aborted;
}

/** Validates the lines, and reports the refused ones in order. */
async function checkLines(
  { parse, counts, report }: SendUpdatesDeps,
  { counters, order }: { counters: DeviceCounters; order: ExportedOrder },
  lines: readonly Line[],
): Promise<Candidate[]> {
  const parsed = lines.map(parse);
  await counters.load(listDevices(parsed));
  const candidates: Candidate[] = [];
  for (const line of parsed) {
    counts.lines += 1;
    if ('skipped' in line) {
      counts.skipped += 1;
      continue;
    }
    const taken = 'problem' in line ? line.problem : counters.take(line.device, line.update.counter);
    if ('problem' in line || typeof taken === 'string') {
      counts.refused += 1;
      report.add(line.location, String(taken));
    } else {
      const update = line.exportedVersion === undefined ? line : await order.adjust(line);
      candidates.push({ update, isNew: taken });
    }
  }
  return candidates;
}

function* listDevices(lines: readonly ReturnType<ParseLine>[]): Generator<DeviceId> {
  for (const line of lines) if ('update' in line) yield line.device;
}

/** Device and counter identify an update: one that is applied, in flight or repeated in the input is not sent again. */
async function skipKnownUpdates(deps: SendUpdatesDeps, candidates: readonly Candidate[]): Promise<DeviceUpdate[]> {
  const { inFlight, backends, field } = deps;
  const unsent = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const { update } = candidate;
    const key = toUpdateKey(update);
    const earlier = candidate.isNew ? undefined : (inFlight?.find(key) ?? unsent.get(formatUpdateKey(key))?.update);
    if (earlier) recordKnownUpdate(deps, update, isSamePayload(earlier.update, update.update));
    else unsent.set(formatUpdateKey(key), candidate);
  }
  // Read after the check of the updates in flight, so that one applied in between is found here.
  const doubtful = [...unsent.values()].filter(({ isNew }) => !isNew);
  const receipts = await backends.findReceipts(
    field,
    doubtful.map(({ update }) => toUpdateKey(update)),
  );
  for (const [index, { update }] of doubtful.entries()) {
    const receipt = receipts[index];
    if (!receipt?.entry && !receipt?.isPruned) continue;
    // Only the counter of a pruned update is known.
    recordKnownUpdate(deps, update, !receipt.entry || isSamePayload(receipt.entry.update, update.update));
    unsent.delete(formatUpdateKey(toUpdateKey(update)));
  }
  return [...unsent.values()].map(({ update }) => update);
}

function recordKnownUpdate({ counts, report }: SendUpdatesDeps, update: DeviceUpdate, isSame: boolean): void {
  if (isSame) {
    counts.duplicates += 1;
    return;
  }
  counts.reused += 1;
  const { device, counter } = toUpdateKey(update);
  report.add(update.location, `counter ${counter} of ${device} was already used with different content: not applied`);
}

/** @returns false when it was stopped while waiting for capacity */
async function sendNewUpdates(deps: SendUpdatesDeps, newUpdates: readonly DeviceUpdate[]): Promise<boolean> {
  const { batch, maxBacklog, maxWaitingUpdates, maxJobsAtOnce, keepsOrder, pace, run, signal } = deps;
  // The versions that updates of an exported log had seen depend on its order.
  const isOrdered = keepsOrder || newUpdates.some(({ exportedVersion }) => exportedVersion !== undefined);
  const groups = (isOrdered ? groupUpdates : groupByDevice)(newUpdates, batch);
  const updatesPerJob = newUpdates.length / groups.length;
  const maxJobs = Math.min(maxBacklog, Math.ceil(maxWaitingUpdates / updatesPerJob));
  // Half of the limit, so that workers have the other half to work on meanwhile.
  const jobsAtOnce = Math.min(maxJobsAtOnce, Math.ceil(maxJobs / 2));
  for (let start = 0; start < groups.length; start += jobsAtOnce) {
    const slice = groups.slice(start, start + jobsAtOnce);
    await pace.wait(slice.flat().length, signal);
    await run.waitWhilePaused(signal);
    // An operator has cancelled the run. After Ctrl-C, updates that were read are still sent where there is capacity, because a
    // pipe cannot repeat them.
    if (run.cancelled.aborted) return false;
    if (!(await waitForCapacity(deps, maxJobs - slice.length))) return false;
    await sendGroups(deps, slice);
  }
  return true;
}

async function sendGroups(deps: SendUpdatesDeps, groups: readonly DeviceUpdate[][]): Promise<void> {
  const { field, backends, counts, inFlight } = deps;
  const acceptedAt = Date.now();
  const jobs = groups.flatMap((group) => toJob(field, group, acceptedAt) ?? []);
  await backends.enqueue(jobs.map(({ data }) => data));
  counts.jobs += jobs.length;
  for (const { data, adjusted } of jobs) {
    counts.accepted += data.updates.length;
    counts.adjusted += adjusted;
  }
  for (const update of groups.flat()) inFlight?.add({ ...update, acceptedAt });
}

/** @param maxBacklog how many jobs may be waiting already */
async function waitForCapacity(
  { inFlight, backends, printLine, signal }: SendUpdatesDeps,
  maxBacklog: number,
): Promise<boolean> {
  while (inFlight && !inFlight.hasCapacity) {
    if (signal.aborted) return false;
    await delay(pollMs);
  }
  const waitingSince = performance.now();
  let isReported = false;
  for (let waitMs = pollMs; ; waitMs = Math.min(maxPollMs, 2 * waitMs)) {
    const backlog = await backends.countBacklog();
    if (backlog <= maxBacklog) return true;
    if (signal.aborted) return false;
    if (!inFlight && !isReported && performance.now() - waitingSince > stallMs) {
      isReported = true;
      printLine(
        `The queue has ${backlog} waiting jobs, which is the maximum. Continuing once a worker has applied some of them.`,
      );
    }
    await delay(waitMs);
  }
}
