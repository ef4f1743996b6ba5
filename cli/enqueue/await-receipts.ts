/**
 * The waiting half of an enqueueing: asks the log for the receipts of what is in flight until all have one, and finds out
 * what can never get one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FoundReceipt } from '../../db/read/receipts.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { isSamePayload } from '../../shared/updates/same-payload.ts';
import { CliError } from '../errors/cli-error.ts';
import type { EnqueueCounts } from './counts.ts';
import { formatUpdateKey, type InFlight, type SentUpdate, toUpdateKey } from './in-flight.ts';
import type { LineReport } from './input/line-report.ts';
import type { EnqueueBackends } from './resilient-backends.ts';

const sliceLength = 2000;
const pauseMs = 50;
const idlePauseMs = 150;
/** After so long without progress, a job may have failed for good. */
const failureCheckMs = 3000;
const defaultStallMs = 15_000;

export interface AwaitReceiptsDeps {
  readonly field: FieldId;
  readonly backends: EnqueueBackends;
  readonly inFlight: InFlight;
  readonly counts: EnqueueCounts;
  readonly report: LineReport;
  readonly printLine: (line: string) => void;
  /** Whether anything more may be sent. */
  readonly isSending: () => boolean;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** How long without progress until it is said. */
  readonly stallMs?: number;
}

/** Resolves once nothing more is sent and nothing is in flight. @throws CliError when the queue has lost updates */
export async function awaitReceipts(deps: AwaitReceiptsDeps): Promise<void> {
  const { inFlight, isSending, signal, stallMs = defaultStallMs } = deps;
  let progressAt = Date.now();
  let lastFailureCheckAt = progressAt;
  let isStallReported = false;
  while ((inFlight.size > 0 || isSending()) && !signal.aborted) {
    const settled = await collectReceipts(deps);
    const now = Date.now();
    if (settled || inFlight.size === 0) {
      progressAt = lastFailureCheckAt = now;
      isStallReported = false;
    } else if (now - lastFailureCheckAt >= failureCheckMs) {
      lastFailureCheckAt = now;
      await rejectFailed(deps);
    }
    if (!isStallReported && inFlight.size > 0 && now - progressAt >= stallMs) {
      isStallReported = true;
      await reportStall(deps, stallMs);
    }
    await delay(settled ? pauseMs : idlePauseMs);
  }
}

/** The oldest come first, and when none of a slice is applied those behind it are hardly either. */
async function collectReceipts({ field, backends, inFlight, counts, report }: AwaitReceiptsDeps): Promise<boolean> {
  let hasProgressed = false;
  for (const slice of inFlight.slices(sliceLength)) {
    const receipts = await backends.findReceipts(field, slice.map(toUpdateKey));
    const settled = slice.filter((update, index) => {
      const receipt = receipts[index];
      return receipt !== undefined && recordReceipt(counts, report, update, receipt);
    });
    for (const update of settled) inFlight.remove(update);
    if (settled.length === 0) break;
    hasProgressed = true;
  }
  return hasProgressed;
}

/** @returns whether there is one */
function recordReceipt(
  counts: EnqueueCounts,
  report: LineReport,
  update: SentUpdate,
  { row, pruned }: FoundReceipt,
): boolean {
  if (!row && !pruned) return false;
  if (!isSamePayload(row?.update, update.update)) {
    counts.reused += 1;
    const { device, counter } = toUpdateKey(update);
    report.add(update.location, `counter ${counter} of ${device} was used for another content meanwhile: not applied`);
    return true;
  }
  counts.applied += 1;
  if (row?.outcome === 'conflict') counts.conflicts += 1;
  if (row?.outcome === 'superseded') counts.superseded += 1;
  return true;
}

/** Takes out what stands in a job that failed for good. */
async function rejectFailed({ field, backends, inFlight, counts, report }: AwaitReceiptsDeps): Promise<void> {
  for await (const { job, reason } of backends.readFailed()) {
    if (job.field !== field) continue;
    for (const { counter } of job.updates) {
      const update = inFlight.find({ device: job.device, counter });
      // An older job of the same updates says nothing of this one.
      if (update?.acceptedAt !== job.acceptedAt) continue;
      inFlight.remove(update);
      counts.refused += 1;
      report.add(update.location, `can never be applied: ${reason}`);
    }
  }
}

async function reportStall(deps: AwaitReceiptsDeps, stallMs: number): Promise<void> {
  const { backends, inFlight, printLine } = deps;
  const waiting = new Set(inFlight.slices(sliceLength).flat().map(toUpdateKey).map(formatUpdateKey));
  if ((await backends.countBacklog()) > 0) {
    const seconds = Math.round(stallMs / 1000);
    printLine(`Nothing was applied for ${seconds} s: no worker seems to run. Waiting on; \`npm start\` starts one.`);
    return;
  }
  // A job leaves the queue after its commit, so this look at the log is the last that is needed.
  await collectReceipts(deps);
  const lost = inFlight
    .slices(sliceLength)
    .flat()
    .filter((update) => waiting.has(formatUpdateKey(toUpdateKey(update))));
  if (lost.length > 0)
    throw new CliError(
      'unreachable',
      `The queue has lost ${lost.length} updates: it is empty, and they are not applied.`,
    );
}
