/**
 * The waiting half of an enqueueing: asks the log for the receipts of what is in flight until all have one, and finds out
 * what can never get one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FoundReceipt } from '../../db/read/receipts.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { isSameContent } from '../../shared/updates/same-payload.ts';
import { CliError } from '../errors/cli-error.ts';
import type { Tally } from './counts.ts';
import { type InFlight, keyOf, nameOf, type SentUpdate } from './in-flight.ts';
import type { LineReport } from './input/line-report.ts';
import type { Backends } from './resilient-backends.ts';

const sliceLength = 2000;
const pauseMs = 50;
const idlePauseMs = 150;
/** After so long without progress, a job may have failed for good. */
const suspicionMs = 3000;
const defaultStallMs = 15_000;

export interface Settling {
  readonly field: FieldId;
  readonly backends: Backends;
  readonly inFlight: InFlight;
  readonly tally: Tally;
  readonly report: LineReport;
  readonly say: (line: string) => void;
  /** Whether anything more may be sent. */
  readonly isSending: () => boolean;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** How long without progress until it is said. */
  readonly stallMs?: number;
}

/** Resolves once nothing more is sent and nothing is in flight. @throws CliError when the queue has lost updates */
export async function settleUpdates(settling: Settling): Promise<void> {
  const { inFlight, isSending, signal, stallMs = defaultStallMs } = settling;
  let progressAt = Date.now();
  let suspectedAt = progressAt;
  let isStallSaid = false;
  while ((inFlight.size > 0 || isSending()) && !signal.aborted) {
    const settled = await settleRound(settling);
    const now = Date.now();
    if (settled || inFlight.size === 0) {
      progressAt = suspectedAt = now;
      isStallSaid = false;
    } else if (now - suspectedAt >= suspicionMs) {
      suspectedAt = now;
      await refuseFailed(settling);
    }
    if (!isStallSaid && inFlight.size > 0 && now - progressAt >= stallMs) {
      isStallSaid = true;
      await explainStall(settling, stallMs);
    }
    await delay(settled ? pauseMs : idlePauseMs);
  }
}

/** The oldest come first, and when none of a slice is applied those behind it are hardly either. */
async function settleRound({ field, backends, inFlight, tally, report }: Settling): Promise<boolean> {
  let progress = false;
  for (const slice of inFlight.slices(sliceLength)) {
    const receipts = await backends.findReceipts(field, slice.map(nameOf));
    const settled = slice.filter((update, index) => {
      const receipt = receipts[index];
      return receipt !== undefined && noteReceipt(tally, report, update, receipt);
    });
    for (const update of settled) inFlight.remove(update);
    if (settled.length === 0) break;
    progress = true;
  }
  return progress;
}

/** @returns whether there is one */
function noteReceipt(tally: Tally, report: LineReport, update: SentUpdate, { row, pruned }: FoundReceipt): boolean {
  if (!row && !pruned) return false;
  if (!isSameContent(row?.update, update.update)) {
    tally.reused += 1;
    const { device, counter } = nameOf(update);
    report.add(update.place, `counter ${counter} of ${device} was used for another content meanwhile: not applied`);
    return true;
  }
  tally.applied += 1;
  if (row?.outcome === 'conflict') tally.conflicts += 1;
  if (row?.outcome === 'superseded') tally.superseded += 1;
  return true;
}

/** Takes out what stands in a job that failed for good. */
async function refuseFailed({ field, backends, inFlight, tally, report }: Settling): Promise<void> {
  for await (const { job, reason } of backends.readFailed()) {
    if (job.field !== field) continue;
    for (const { counter } of job.updates) {
      const update = inFlight.find({ device: job.device, counter });
      // An older job of the same updates says nothing of this one.
      if (update?.acceptedAt !== job.acceptedAt) continue;
      inFlight.remove(update);
      tally.refused += 1;
      report.add(update.place, `can never be applied: ${reason}`);
    }
  }
}

async function explainStall(settling: Settling, stallMs: number): Promise<void> {
  const { backends, inFlight, say } = settling;
  const waiting = new Set(inFlight.slices(sliceLength).flat().map(nameOf).map(keyOf));
  if ((await backends.countBacklog()) > 0) {
    const seconds = Math.round(stallMs / 1000);
    say(`Nothing was applied for ${seconds} s: no worker seems to run. Waiting on; \`npm start\` starts one.`);
    return;
  }
  // A job leaves the queue after its commit, so this look at the log is the last that is needed.
  await settleRound(settling);
  const lost = inFlight
    .slices(sliceLength)
    .flat()
    .filter((update) => waiting.has(keyOf(nameOf(update))));
  if (lost.length > 0)
    throw new CliError(
      'unreachable',
      `The queue has lost ${lost.length} updates: it is empty, and they are not applied.`,
    );
}
