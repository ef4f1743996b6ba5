/**
 * The sending half of an enqueueing: takes lines in the order of the input, leaves out what is bad or was applied before,
 * and puts the rest into the queue, never faster than it is applied.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FieldId } from '../../shared/field/ids.ts';
import { isSameContent } from '../../shared/updates/same-payload.ts';
import { type CheckLead, createLeadCheck } from './counter-leads.ts';
import type { Tally } from './counts.ts';
import { type InFlight, keyOf, nameOf } from './in-flight.ts';
import { groupUpdates, toJob } from './input/group-jobs.ts';
import type { LineReport } from './input/line-report.ts';
import type { DeviceUpdate, ParseLine } from './input/parse-line.ts';
import { type Line, readLines } from './input/read-lines.ts';
import type { Backends } from './resilient-backends.ts';

const maxLinesAtOnce = 1000;
const pollMs = 20;
const stallMs = 15_000;

export interface Sending {
  readonly files: readonly string[];
  readonly field: FieldId;
  /** Updates in a job, at most. */
  readonly batch: number;
  /** Jobs that may wait in the queue. */
  readonly maxBacklog: number;
  readonly parse: ParseLine;
  readonly backends: Backends;
  readonly tally: Tally;
  readonly report: LineReport;
  readonly say: (line: string) => void;
  /** Where accepted updates are kept until they are applied; undefined when nobody waits for that. */
  readonly inFlight: InFlight | undefined;
  /** Ends the reading; what is in hand is sent. */
  readonly signal: AbortSignal;
}

/** @returns whether the input was taken in to its end */
export async function sendUpdates(sending: Sending): Promise<boolean> {
  const { files, signal, field, backends } = sending;
  const checkLead = createLeadCheck((device) => backends.readLastCounter(field, device));
  for (const file of files) {
    for await (const lines of readLines(file, signal)) {
      for (let start = 0; start < lines.length; start += maxLinesAtOnce) {
        if (signal.aborted) return false;
        const updates = await admitLines(sending, checkLead, lines.slice(start, start + maxLinesAtOnce));
        const fresh = await leaveOutKnown(sending, updates);
        if (!(await sendFresh(sending, fresh))) return false;
      }
    }
  }
  return !signal.aborted;
}

async function admitLines(sending: Sending, checkLead: CheckLead, lines: readonly Line[]): Promise<DeviceUpdate[]> {
  const { parse, tally, report } = sending;
  const updates: DeviceUpdate[] = [];
  for (const line of lines) {
    tally.lines += 1;
    const parsed = parse(line);
    const problem = 'problem' in parsed ? parsed.problem : await checkLead(parsed.device, parsed.update.counter);
    if (problem !== undefined) {
      tally.refused += 1;
      report.add(line.place, problem);
    } else if ('update' in parsed) updates.push(parsed);
  }
  return updates;
}

/** Counters are the identity: what was applied, is on its way, or stands twice in the input is not sent again. */
async function leaveOutKnown(sending: Sending, updates: readonly DeviceUpdate[]): Promise<DeviceUpdate[]> {
  const { inFlight, backends, field } = sending;
  const fresh = new Map<string, DeviceUpdate>();
  for (const update of updates) {
    const name = nameOf(update);
    const earlier = inFlight?.find(name) ?? fresh.get(keyOf(name));
    if (earlier) noteKnown(sending, update, isSameContent(earlier.update, update.update));
    else fresh.set(keyOf(name), update);
  }
  const candidates = [...fresh.values()];
  // Asked after the look at what is in flight: an update that is applied in between is found here.
  const receipts = await backends.findReceipts(field, candidates.map(nameOf));
  return candidates.filter((update, index) => {
    const receipt = receipts[index];
    if (!receipt?.row && !receipt?.pruned) return true;
    noteKnown(sending, update, isSameContent(receipt.row?.update, update.update));
    return false;
  });
}

function noteKnown({ tally, report }: Sending, update: DeviceUpdate, isSame: boolean): void {
  if (isSame) {
    tally.duplicates += 1;
    return;
  }
  tally.reused += 1;
  const { device, counter } = nameOf(update);
  report.add(update.place, `counter ${counter} of ${device} stands for another content already: not applied`);
}

/** @returns false when it was ended while it waited for room */
async function sendFresh(sending: Sending, fresh: readonly DeviceUpdate[]): Promise<boolean> {
  const { batch, maxBacklog } = sending;
  const groups = groupUpdates(fresh, batch);
  for (let start = 0; start < groups.length; start += maxBacklog) {
    const some = groups.slice(start, start + maxBacklog);
    if (!(await waitForRoom(sending, some.length))) return false;
    await sendGroups(sending, some);
  }
  return true;
}

async function sendGroups({ field, backends, tally, inFlight }: Sending, groups: readonly DeviceUpdate[][]) {
  const acceptedAt = Date.now();
  const jobs = groups.flatMap((group) => toJob(field, group, acceptedAt) ?? []);
  await backends.enqueue(jobs.map(({ data }) => data));
  tally.jobs += jobs.length;
  for (const { data, adjusted } of jobs) {
    tally.accepted += data.updates.length;
    tally.adjusted += adjusted;
  }
  for (const update of groups.flat()) inFlight?.add({ ...update, acceptedAt });
}

async function waitForRoom({ inFlight, backends, maxBacklog, say, signal }: Sending, jobs: number): Promise<boolean> {
  while (inFlight && !inFlight.hasRoom) {
    if (signal.aborted) return false;
    await delay(pollMs);
  }
  const since = Date.now();
  for (let isSaid = false; ; ) {
    const backlog = await backends.countBacklog();
    if (backlog === 0 || backlog + jobs <= maxBacklog) return true;
    if (signal.aborted) return false;
    if (!inFlight && !isSaid && Date.now() - since > stallMs) {
      isSaid = true;
      say(`${backlog} jobs wait in the queue, and that is enough: going on once a worker has applied some of them.`);
    }
    await delay(5 * pollMs);
  }
}
