/**
 * The consumer half of `enqueue`: polls the log for the receipts of the updates in flight until each has one, and detects
 * those that failed permanently.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FoundReceipt } from '../../db/read/receipts/find-receipts.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { isSamePayload } from '../../shared/updates/same-payload.ts';
import { CliError } from '../errors/cli-error.ts';
import type { EnqueueCounts } from './counts.ts';
import { formatUpdateKey, type InFlight, type SentUpdate, toUpdateKey } from './in-flight.ts';
import type { LineReport } from './input/line-report.ts';
import type { EnqueueBackends } from './resilient-backends.ts';
import type { WrittenParticles } from './written-particles.ts';

/**
 * Updates are applied almost in order, so reading starts with a short slice, whose length doubles while slices have receipts. An
 * update that was deferred may precede many applied ones, so an empty first slice is followed by one of maximum length.
 */
const firstSliceLength = 200;
const maxSliceLength = 2000;
const pauseMs = 50;
const idlePauseMs = 150;
/** Failed jobs are read after this time without progress. */
const failureCheckMs = 3000;
const defaultStallMs = 15_000;

export interface AwaitReceiptsDeps {
  readonly field: FieldId;
  readonly backends: EnqueueBackends;
  readonly inFlight: InFlight;
  readonly counts: EnqueueCounts;
  /** The particles of the applied updates. */
  readonly written: WrittenParticles;
  readonly report: LineReport;
  readonly printLine: (line: string) => void;
  /** Whether more updates may be sent. */
  readonly isSending: () => boolean;
  /** Stops waiting. */
  readonly signal: AbortSignal;
  /** A stall is reported after this time without progress. */
  readonly stallMs?: number;
}

/** Resolves once sending has ended and nothing is in flight. @throws CliError when the queue has lost updates */
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

/** Reads slices, oldest first. If no update of a slice is applied, later ones are unlikely to be. */
async function collectReceipts(deps: AwaitReceiptsDeps, readsAll = false): Promise<boolean> {
  const { field, backends, inFlight } = deps;
  let hasProgressed = false;
  const all = inFlight.list();
  for (let start = 0, length = firstSliceLength; start < all.length; ) {
    const slice = all.slice(start, start + length);
    start += length;
    const receipts = await backends.findReceipts(field, slice.map(toUpdateKey));
    const settled = slice.filter((update, index) => {
      const receipt = receipts[index];
      return receipt !== undefined && recordReceipt(deps, update, receipt);
    });
    for (const update of settled) inFlight.remove(update);
    if (settled.length > 0) hasProgressed = true;
    else if (!readsAll && length > firstSliceLength) break;
    length = settled.length > 0 ? Math.min(maxSliceLength, 2 * length) : maxSliceLength;
  }
  return hasProgressed;
}

/** @returns whether the update has a receipt */
function recordReceipt(
  { counts, report, written }: AwaitReceiptsDeps,
  update: SentUpdate,
  { entry, isPruned }: FoundReceipt,
): boolean {
  if (!entry && !isPruned) return false;
  if (entry && !isSamePayload(entry.update, update.update)) {
    counts.reused += 1;
    const { device, counter } = toUpdateKey(update);
    report.add(
      update.location,
      `counter ${counter} of ${device} was used with different content meanwhile: not applied`,
    );
    return true;
  }
  counts.applied += 1;
  written.add(update.update);
  if (entry?.outcome === 'conflict') counts.conflicts += 1;
  if (entry?.outcome === 'superseded') counts.superseded += 1;
  return true;
}

/** Removes the updates of jobs that failed permanently. */
async function rejectFailed({ field, backends, inFlight, counts, report }: AwaitReceiptsDeps): Promise<void> {
  for await (const { job, reason } of backends.readFailed()) {
    if (job.field !== field) continue;
    for (const { counter } of job.updates) {
      const update = inFlight.find({ device: job.device, counter });
      // A job of an earlier run may contain the same updates; only the job of this run counts.
      if (update?.acceptedAt !== job.acceptedAt) continue;
      inFlight.remove(update);
      counts.refused += 1;
      report.add(update.location, `can never be applied: ${reason}`);
    }
  }
}

async function reportStall(deps: AwaitReceiptsDeps, stallMs: number): Promise<void> {
  const { backends, inFlight, printLine } = deps;
  const waiting = new Set(inFlight.list().map(toUpdateKey).map(formatUpdateKey));
  if ((await backends.countBacklog()) > 0) {
    const seconds = Math.round(stallMs / 1000);
    printLine(
      `No update was applied for ${seconds} s, so probably no worker is running. Still waiting; \`npm start\` starts one.`,
    );
    return;
  }
  // A job leaves the queue after its commit, so with an empty queue one more read of the log is conclusive.
  await collectReceipts(deps, true);
  const lost = inFlight.list().filter((update) => waiting.has(formatUpdateKey(toUpdateKey(update))));
  if (lost.length > 0)
    throw new CliError(
      'unreachable',
      `The queue has lost ${lost.length} updates: it is empty, and they are not applied. Run the same command again.`,
    );
}
