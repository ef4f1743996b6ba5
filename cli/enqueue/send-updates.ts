/**
 * The producer half of `enqueue`: reads lines in the order of the input, skips invalid lines and updates that are already
 * applied, and puts the rest into the queue, with backpressure from the queue's backlog.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FieldId } from '../../shared/field/ids.ts';
import { CounterGapDetector, maxCounterGap } from '../../shared/updates/counter-gap.ts';
import { isSamePayload } from '../../shared/updates/same-payload.ts';
import type { EnqueueCounts } from './counts.ts';
import { formatUpdateKey, type InFlight, toUpdateKey } from './in-flight.ts';
import { groupUpdates, toJob } from './input/group-jobs.ts';
import type { LineReport } from './input/line-report.ts';
import type { LineInput } from './input/open-inputs.ts';
import type { DeviceUpdate, ParseLine } from './input/parse-line.ts';
import { type Line, readLines } from './input/read-lines.ts';
import type { EnqueueBackends } from './resilient-backends.ts';

const maxLinesPerBatch = 1000;
const pollMs = 20;
const stallMs = 15_000;

export interface SendUpdatesDeps {
  readonly inputs: readonly LineInput[];
  readonly field: FieldId;
  /** Maximum updates per job. */
  readonly batch: number;
  /** Maximum jobs waiting in the queue. */
  readonly maxBacklog: number;
  readonly parse: ParseLine;
  readonly backends: EnqueueBackends;
  readonly counts: EnqueueCounts;
  readonly report: LineReport;
  readonly printLine: (line: string) => void;
  /** Tracks accepted updates until they are applied; undefined with --no-wait. */
  readonly inFlight: InFlight | undefined;
  /** Stops reading; updates that were read already are sent. */
  readonly signal: AbortSignal;
}

/** @returns whether all inputs were sent to the end */
export async function sendUpdates(deps: SendUpdatesDeps): Promise<boolean> {
  const { inputs, signal, field, backends } = deps;
  const gapDetector = new CounterGapDetector(({ device }) => backends.readLastCounter(field, device));
  for (const input of inputs) {
    for await (const lines of readLines(input, signal)) {
      for (let start = 0; start < lines.length; start += maxLinesPerBatch) {
        if (signal.aborted) return false;
        const updates = await parseLines(deps, gapDetector, lines.slice(start, start + maxLinesPerBatch));
        const newUpdates = await skipKnownUpdates(deps, updates);
        if (!(await sendNewUpdates(deps, newUpdates))) return false;
      }
    }
  }
  return !signal.aborted;
}

async function parseLines(
  deps: SendUpdatesDeps,
  gapDetector: CounterGapDetector,
  lines: readonly Line[],
): Promise<DeviceUpdate[]> {
  const { parse, counts, report } = deps;
  const updates: DeviceUpdate[] = [];
  for (const line of lines) {
    counts.lines += 1;
    const parsed = parse(line);
    const problem = 'problem' in parsed ? parsed.problem : await describeGap(deps, gapDetector, parsed);
    if (problem !== undefined) {
      counts.refused += 1;
      report.add(line.location, problem);
    } else if ('update' in parsed) updates.push(parsed);
  }
  return updates;
}

async function describeGap(
  { field }: SendUpdatesDeps,
  gapDetector: CounterGapDetector,
  { device, update: { counter } }: DeviceUpdate,
): Promise<string | undefined> {
  const gap = await gapDetector.find({ field, device }, [counter]);
  if (gap) return `/counter: ${counter} is more than ${maxCounterGap} above the device's last, ${gap.last}`;
  gapDetector.recordAccepted({ field, device }, counter);
  return undefined;
}

/** Device and counter identify an update: one that is applied, in flight or repeated in the input is not sent again. */
async function skipKnownUpdates(deps: SendUpdatesDeps, updates: readonly DeviceUpdate[]): Promise<DeviceUpdate[]> {
  const { inFlight, backends, field } = deps;
  const newUpdates = new Map<string, DeviceUpdate>();
  for (const update of updates) {
    const key = toUpdateKey(update);
    const earlier = inFlight?.find(key) ?? newUpdates.get(formatUpdateKey(key));
    if (earlier) recordKnownUpdate(deps, update, isSamePayload(earlier.update, update.update));
    else newUpdates.set(formatUpdateKey(key), update);
  }
  const candidates = [...newUpdates.values()];
  // Read after the check of the updates in flight, so that one applied in between is found here.
  const receipts = await backends.findReceipts(field, candidates.map(toUpdateKey));
  return candidates.filter((update, index) => {
    const receipt = receipts[index];
    if (!receipt?.entry && !receipt?.isPruned) return true;
    // Of a pruned update only the counter is known.
    recordKnownUpdate(deps, update, !receipt.entry || isSamePayload(receipt.entry.update, update.update));
    return false;
  });
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
  const { batch, maxBacklog } = deps;
  const groups = groupUpdates(newUpdates, batch);
  for (let start = 0; start < groups.length; start += maxBacklog) {
    const slice = groups.slice(start, start + maxBacklog);
    if (!(await waitForCapacity(deps, slice.length))) return false;
    await sendGroups(deps, slice);
  }
  return true;
}

async function sendGroups({ field, backends, counts, inFlight }: SendUpdatesDeps, groups: readonly DeviceUpdate[][]) {
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

async function waitForCapacity(
  { inFlight, backends, maxBacklog, printLine, signal }: SendUpdatesDeps,
  jobs: number,
): Promise<boolean> {
  while (inFlight && !inFlight.hasCapacity) {
    if (signal.aborted) return false;
    await delay(pollMs);
  }
  const waitingSince = Date.now();
  for (let isReported = false; ; ) {
    const backlog = await backends.countBacklog();
    if (backlog === 0 || backlog + jobs <= maxBacklog) return true;
    if (signal.aborted) return false;
    if (!inFlight && !isReported && Date.now() - waitingSince > stallMs) {
      isReported = true;
      printLine(
        `The queue has ${backlog} waiting jobs, which is the maximum. Continuing once a worker has applied some of them.`,
      );
    }
    await delay(5 * pollMs);
  }
}
