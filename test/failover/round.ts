/** One round: devices write, a server fails and another takes over, the system becomes quiescent, and the checker runs. */
import { setTimeout as delay } from 'node:timers/promises';
import { checkAll } from '../faults/checker/check-all.ts';
import { type Violation, violation, violationOf } from '../faults/checker/violation.ts';
import { waitForQuiescence } from '../faults/checker/wait-for-quiescence.ts';
import type { DevicePool } from '../faults/devices/device-pool.ts';
import type { LedgerEntry } from '../faults/devices/ledger.ts';
import type { Observer } from '../faults/observer.ts';
import type { Random } from '../unit/field/support/seeded-random.ts';
import type { FailoverStack } from './failover-stack.ts';
import type { FailoverFault } from './topologies/topology.ts';

const quiescenceTimeoutMs = 60_000;
/** Copies of a history that has ended must be noticed in this time after the takeover. */
const noticedTimeoutMs = 15_000;

export interface RoundDeps {
  readonly stack: FailoverStack;
  readonly observer: Observer;
  readonly devicePool: DevicePool;
  readonly random: Random;
  readonly seconds: number;
}

export interface RoundReport {
  readonly topology: string;
  readonly fault: string;
  readonly seed: number;
  readonly notes: readonly string[];
  readonly accepted: number;
  /** How many receipts stated which durability. */
  readonly receipts: Readonly<Record<string, number>>;
  /** Updates that devices sent again although they had a receipt. */
  readonly resent: number;
  /** From the fault until another server had taken over. */
  readonly takeoverMs: number;
  /** From the fault until the first receipt for an update that was written after it, in the field that took longest. */
  readonly acceptedAgainMs: number;
  /** The same until a watcher had it. */
  readonly appliedAgainMs: number;
  /** The longest time from a receipt until a watcher had the update. */
  readonly longestWaitMs: number;
  /** From the takeover until the last watcher knew that its history had ended; undefined if none had. */
  readonly noticedMs: number | undefined;
  readonly violations: readonly Violation[];
}

export interface RoundName {
  readonly topology: string;
  readonly fault: string;
  readonly seed: number;
}

export async function runRound(name: RoundName, fault: FailoverFault, deps: RoundDeps): Promise<RoundReport> {
  const { stack, observer, devicePool, random, seconds } = deps;
  const { ledger } = devicePool;
  const { addresses } = stack;
  const first = ledger.entries.length;
  const resentBefore = ledger.resentAccepted;
  const notes: string[] = [];
  let faultAt = Number.NaN;
  let takeoverAt = Number.NaN;
  ledger.lastUnknownCursorAt = undefined;
  ledger.mayLoseTail = fault.losesTail;
  devicePool.startWriting();
  await delay(seconds * 1000 * (0.2 + 0.2 * random.next())); // Load, not synchronisation: the fault hits a system that is busy.
  let stopTimer: NodeJS.Timeout | undefined;
  try {
    await fault.inject({
      random,
      notes,
      onFault: () => {
        faultAt = performance.now();
      },
      onTakeover: () => {
        takeoverAt = performance.now();
        // Load on the server that has taken over, but not for as long as the other one needs to come back.
        stopTimer = setTimeout(() => devicePool.stopWriting(), seconds * 1000 * 0.6);
      },
    });
    await delay(Math.max(0, takeoverAt + seconds * 1000 * 0.6 - performance.now()));
  } finally {
    clearTimeout(stopTimer);
    devicePool.stopWriting();
  }
  const violations = await waitForQuiescence({ observer, devicePool, addresses, timeoutMs: quiescenceTimeoutMs });
  violations.push(...(await checkAll({ observer, devicePool, addresses }).catch(toViolations)));
  ledger.mayLoseTail = false;
  const anomalies = [...ledger.anomalies.splice(0), ...stack.drainUnexpectedExits()];
  violations.push(...violationOf('anomaly', 'during the round', anomalies));
  const noticedMs = ledger.lastUnknownCursorAt === undefined ? undefined : ledger.lastUnknownCursorAt - takeoverAt;
  if (noticedMs !== undefined && noticedMs > noticedTimeoutMs)
    violations.push(
      violation('watcher', `a watcher noticed only after ${Math.round(noticedMs)} ms that its history had ended`),
    );
  const entries = ledger.entries.slice(first);
  return {
    ...name,
    notes,
    accepted: entries.filter(({ acceptedAt }) => acceptedAt !== undefined).length,
    receipts: countReceipts(entries),
    resent: ledger.resentAccepted - resentBefore,
    takeoverMs: takeoverAt - faultAt,
    acceptedAgainMs: timeOf('acceptedAt', entries, devicePool, faultAt),
    appliedAgainMs: timeOf('seenAt', entries, devicePool, faultAt),
    longestWaitMs: Math.max(
      0,
      ...entries.map(({ acceptedAt, seenAt }) => (acceptedAt && seenAt ? seenAt - acceptedAt : 0)),
    ),
    noticedMs,
    violations,
  };
}

/** Of updates that were written after the fault, the time until the first in each field; the longest of these. */
function timeOf(
  event: 'acceptedAt' | 'seenAt',
  entries: readonly LedgerEntry[],
  { fields }: DevicePool,
  faultAt: number,
): number {
  const later = entries.filter(({ writtenAt }) => writtenAt >= faultAt);
  const times = fields.map((field) =>
    Math.min(
      ...later.filter((entry) => entry.field === field).map((entry) => entry[event] ?? Number.POSITIVE_INFINITY),
    ),
  );
  return Math.max(...times) - faultAt;
}

function countReceipts(entries: readonly LedgerEntry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { durability } of entries) if (durability) counts[durability] = (counts[durability] ?? 0) + 1;
  return counts;
}

function toViolations(error: Error): Violation[] {
  return [violation('timeout', `the check could not be completed: ${error} (${error.cause ?? 'no cause'})`)];
}
