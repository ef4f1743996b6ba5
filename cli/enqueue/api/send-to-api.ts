/**
 * One run of `enqueue --api`: sends the updates of the inputs to the API in batches, one request at a time, so that its responses are
 * the backpressure. With `wait`, each batch has to be applied before the next one; updates applied before are answered as duplicates.
 */
import type { DeviceId } from '../../../shared/field/ids.ts';
import { CliError } from '../../errors/cli-error.ts';
import type { EnqueueCounts } from '../counts.ts';
import type { ExportedOrder } from '../exported-order.ts';
import { groupByDevice, groupUpdates } from '../input/group-jobs.ts';
import type { LineReport } from '../input/line-report.ts';
import type { LineInput } from '../input/open-inputs.ts';
import type { DeviceUpdate, ParseLine } from '../input/parse-line.ts';
import type { Line } from '../input/read-lines.ts';
import type { ReadRecords } from '../input/read-records.ts';
import { collectWindows } from '../input/windows.ts';
import type { Pace } from '../pace.ts';
import type { WrittenParticles } from '../written-particles.ts';
import { ApiRefusal } from './api-refusal.ts';
import type { ApiSession, SendResult } from './api-session.ts';
import type { DeviceTokens } from './read-device-tokens.ts';

/** How often a batch is sent again that was accepted, but not applied within the 30 s that a request waits. */
const maxWaits = 10;

export interface SendToApiDeps {
  readonly inputs: readonly LineInput[];
  readonly readRecords: ReadRecords;
  readonly parse: ParseLine;
  readonly session: ApiSession;
  readonly tokens: DeviceTokens;
  readonly order: ExportedOrder;
  /** Maximum updates per request. */
  readonly batch: number;
  /** Whether updates of different devices stay in the order of the input. */
  readonly keepsOrder: boolean;
  /** Whether to wait until updates are applied. */
  readonly wait: boolean;
  readonly pace: Pace;
  readonly counts: EnqueueCounts;
  readonly written: WrittenParticles;
  readonly report: LineReport;
  readonly printLine: (line: string) => void;
  /** Stops after the batch in flight. */
  readonly signal: AbortSignal;
  /** The field's version in the newest response with results. */
  readonly onVersion: (version: number) => void;
}

/**
 * @returns whether all inputs were sent and, unless `wait` is false, applied
 * @throws CliError `unreachable` after a long outage, or when accepted updates are not applied; `usage` if a token is refused
 */
export async function sendToApi(deps: SendToApiDeps): Promise<boolean> {
  const { inputs, readRecords, batch, keepsOrder, pace, signal } = deps;
  for (const input of inputs) {
    for await (const lines of collectWindows(readRecords(input, signal))) {
      const updates = await checkLines(deps, lines);
      const isOrdered = keepsOrder || updates.some(({ exportedVersion }) => exportedVersion !== undefined);
      for (const group of (isOrdered ? groupUpdates : groupByDevice)(updates, batch)) {
        await pace.wait(group.length, signal);
        if (signal.aborted) return false;
        await sendBatch(deps, group);
      }
    }
  }
  return !signal.aborted;
}

async function checkLines(deps: SendToApiDeps, lines: readonly Line[]): Promise<DeviceUpdate[]> {
  const { parse, tokens, order, counts } = deps;
  const updates: DeviceUpdate[] = [];
  for (const line of lines.map(parse)) {
    counts.lines += 1;
    if ('skipped' in line) counts.skipped += 1;
    else if ('problem' in line) refuse(deps, line, line.problem);
    else if (!tokens.has(line.device)) {
      refuse(deps, line, `there is no token for ${line.device}, and a device writes only as itself`);
    } else updates.push(line.exportedVersion === undefined ? line : await order.adjust(line));
  }
  return updates;
}

function refuse({ counts, report }: SendToApiDeps, { location }: Pick<DeviceUpdate, 'location'>, reason: string): void {
  counts.refused += 1;
  report.add(location, reason);
}

/** Sends a batch. If it is refused as a whole, splits it until only the refused updates are left out. */
async function sendBatch(deps: SendToApiDeps, group: readonly DeviceUpdate[]): Promise<void> {
  const [first] = group;
  if (!first || deps.signal.aborted) return;
  try {
    await sendUntilApplied(deps, first.device, group);
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.status >= 500) throw error;
    if (group.length === 1) return refuse(deps, first, error.message);
    const middle = Math.ceil(group.length / 2);
    await sendBatch(deps, group.slice(0, middle));
    await sendBatch(deps, group.slice(middle));
  }
}

async function sendUntilApplied(deps: SendToApiDeps, device: DeviceId, group: readonly DeviceUpdate[]): Promise<void> {
  const { session, tokens, wait, counts, printLine, signal, onVersion } = deps;
  const token = tokens.get(device) ?? '';
  const updates = group.map(({ update }) => update);
  for (let waits = 0; ; waits += 1) {
    const result = await session.send(token, updates);
    if (waits === 0) counts.adjusted += result.adjusted.length;
    if (result.applied) {
      counts.jobs += 1;
      onVersion(result.applied.version);
      return recordResults(deps, group, result.applied, { isRepeated: result.isRepeated || waits > 0 });
    }
    if (!wait) {
      counts.jobs += 1;
      counts.accepted += group.length;
      return;
    }
    if (waits === 0)
      printLine('Accepted updates were not applied within 30 s. Still waiting; probably no worker is running.');
    if (signal.aborted) return;
    if (waits + 1 >= maxWaits) {
      throw new CliError('unreachable', `${group.length} updates were accepted, and not applied for 5 minutes.`, {
        hint: 'Ask who operates the API whether workers run and jobs have failed (`status`, `dead-letters`); then run the same command again.',
      });
    }
  }
}

/** @param isRepeated whether this run may have sent the same before, so that a duplicate may be of its own update */
function recordResults(
  { counts, report, written }: SendToApiDeps,
  group: readonly DeviceUpdate[],
  { results }: NonNullable<SendResult['applied']>,
  { isRepeated }: { isRepeated: boolean },
): void {
  const outcomes = new Map(results.map(({ counter, outcome }) => [counter, outcome]));
  for (const { device, update, location } of group) {
    const outcome = outcomes.get(update.counter);
    if (outcome === 'reused') {
      counts.reused += 1;
      report.add(
        location,
        `counter ${update.counter} of ${device} was already used with different content: not applied`,
      );
    } else if (outcome === 'expired' || (outcome === 'duplicate' && !isRepeated)) counts.duplicates += 1;
    else {
      counts.accepted += 1;
      counts.applied += 1;
      if (outcome === 'conflict') counts.conflicts += 1;
      if (outcome === 'superseded') counts.superseded += 1;
      written.add(update);
    }
  }
}
