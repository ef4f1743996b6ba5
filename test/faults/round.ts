/** One round: devices write, one fault is injected at a random time, the system becomes quiescent, and the checker runs. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../unit/field/support/seeded-random.ts';
import { checkAll } from './checker/check-all.ts';
import { type Violation, violation, violationOf } from './checker/violation.ts';
import { waitForQuiescence } from './checker/wait-for-quiescence.ts';
import type { DevicePool } from './devices/device-pool.ts';
import { faults } from './nemesis/faults.ts';
import type { Observer } from './observer.ts';
import type { Plant } from './plants/plant.ts';
import type { FaultStack } from './stack/fault-stack.ts';

/** Three times the recovery of a stalled job (10 s lock, two checks of 5 s), with a margin for slow machines. */
const quiescenceTimeoutMs = 60_000;
/** Shorter with a planted defect: no fault is injected, and the condition may never hold. */
const plantQuiescenceTimeoutMs = 12_000;

interface CheckOptions {
  readonly stack: FaultStack;
  readonly observer: Observer;
  readonly devicePool: DevicePool;
}

export interface RoundOptions extends CheckOptions {
  readonly random: Random;
  readonly fault: string;
  readonly seconds: number;
  readonly isShort: boolean;
  readonly plant: Plant | undefined;
}

export interface RoundReport {
  readonly fault: string;
  /** What exactly was done. */
  readonly notes: readonly string[];
  readonly accepted: number;
  /** Receipts with the durability `postgres`. */
  readonly acceptedByPostgres: number;
  /** Time from the end of the fault until a watcher received an update written after it; undefined without a fault or such an update. */
  readonly recoveredMs: number | undefined;
  /** Time from the end of the fault until watchers had received all updates written before it; undefined without a fault. */
  readonly caughtUpMs: number | undefined;
  /** The longest time from a receipt until a watcher received the update. */
  readonly longestWaitMs: number;
  readonly durations: RoundDurations;
  readonly violations: readonly Violation[];
}

/** Where the time of a round went. */
export interface RoundDurations {
  /** Injecting the fault and removing it, while devices write. */
  readonly faultMs: number;
  /** Until the system was quiescent. */
  readonly settlingMs: number;
  readonly checkMs: number;
  readonly totalMs: number;
}

export async function runRound(options: RoundOptions): Promise<RoundReport> {
  const { stack, observer, devicePool, random, fault, seconds, isShort, plant } = options;
  const { ledger } = devicePool;
  const startedAt = performance.now();
  const since = (time: number) => Math.round(performance.now() - time);
  const first = ledger.entries.length;
  const anomalies: string[] = [];
  const notes: string[] = [];
  const faultDelayMs = seconds * 1000 * (0.2 + 0.4 * random.next());

  devicePool.startWriting();
  await delay(faultDelayMs); // Load, not synchronisation: the fault hits a system that is busy.
  const tampering = plant?.tamper?.({ stack, observer, devicePool });
  ledger.mayLoseTail = faults[fault]?.losesTail ?? false;
  const injectedAt = performance.now();
  try {
    await faults[fault]?.inject({ stack, observer, devicePool, random, isShort, anomalies, notes });
  } catch (error) {
    throw new Error(`${fault} could not be injected`, { cause: error });
  }
  const faultMs = since(injectedAt);
  const endedAt = faults[fault] ? performance.now() : undefined;
  await Promise.all([tampering, delay(seconds * 1000 - faultDelayMs)]);
  devicePool.stopWriting();

  const stoppedAt = performance.now();
  const timeoutMs = plant ? plantQuiescenceTimeoutMs : quiescenceTimeoutMs;
  const violations = await waitForQuiescence({ observer, devicePool, addresses: stack.addresses, timeoutMs });
  const settlingMs = since(stoppedAt);
  await plant?.tamperAtRest?.({ stack, observer, devicePool });
  const checkedAt = performance.now();
  violations.push(...(await checkEverything(options)));
  const checkMs = since(checkedAt);
  ledger.mayLoseTail = false;
  anomalies.push(...ledger.anomalies.splice(0), ...stack.drainUnexpectedExits());
  violations.push(...violationOf('anomaly', 'during the round', anomalies));
  const entries = ledger.entries.slice(first);
  const seenTimes = (predicate: (writtenAt: number) => boolean) =>
    entries.flatMap(({ writtenAt, seenAt }) => (predicate(writtenAt) && seenAt !== undefined ? [seenAt] : []));
  const hasWritesAfter = entries.some(({ writtenAt }) => writtenAt >= (endedAt ?? 0));
  const afterFault = (time: number) => (endedAt === undefined ? undefined : Math.max(0, Math.round(time - endedAt)));
  return {
    fault,
    notes,
    accepted: entries.filter(({ acceptedAt }) => acceptedAt !== undefined).length,
    acceptedByPostgres: entries.filter(({ durability }) => durability === 'postgres').length,
    recoveredMs: hasWritesAfter
      ? afterFault(Math.min(...seenTimes((writtenAt) => writtenAt >= (endedAt ?? 0))))
      : undefined,
    caughtUpMs: afterFault(Math.max(...seenTimes((writtenAt) => writtenAt < (endedAt ?? 0)))),
    longestWaitMs: Math.max(
      0,
      ...entries.map(({ acceptedAt, seenAt }) => (acceptedAt && seenAt ? Math.round(seenAt - acceptedAt) : 0)),
    ),
    durations: { faultMs, settlingMs, checkMs, totalMs: since(startedAt) },
    violations,
  };
}

/** Can be repeated as long as nothing writes to the fields of the devices. */
export async function checkEverything({ observer, devicePool, stack }: CheckOptions): Promise<Violation[]> {
  try {
    return await checkAll({ observer, devicePool, addresses: stack.addresses });
  } catch (error) {
    return [violation('timeout', `the check could not be completed: ${describeError(error)}`)];
  }
}

/** Includes the cause, without which `fetch failed` is not informative. */
function describeError(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? String(error) : `${String(error)} (${String(cause)})`;
}
