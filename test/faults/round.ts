/** One round: devices write, one fault strikes at a moment of its own, everything settles, and the checker looks. */
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

/** Twice what a stalled job takes to come back (10 s lock, two checks of 5 s), and a slow machine. */
const quiescenceTimeoutMs = 60_000;
/** Without a fault there is less to wait for, and with a plant perhaps in vain. */
const plantQuiescenceTimeoutMs = 12_000;

export interface RoundOptions {
  readonly stack: FaultStack;
  readonly observer: Observer;
  readonly devicePool: DevicePool;
  readonly random: Random;
  readonly fault: string;
  readonly seconds: number;
  readonly plant: Plant | undefined;
}

export interface RoundReport {
  readonly fault: string;
  readonly accepted: number;
  /** Receipts that named PostgreSQL. */
  readonly acceptedByPostgres: number;
  /** From the end of the fault until a watcher saw an update that was written after it; undefined without a fault. */
  readonly recoveredMs: number | undefined;
  /** From the end of the fault until watchers had seen all that was written before it. */
  readonly caughtUpMs: number | undefined;
  readonly durationMs: number;
  readonly violations: readonly Violation[];
}

export async function runRound(request: RoundOptions): Promise<RoundReport> {
  const { stack, observer, devicePool, random, fault, seconds, plant } = request;
  const startedAt = performance.now();
  const first = devicePool.ledger.entries.length;
  const anomalies: string[] = [];
  const momentMs = seconds * 1000 * (0.2 + 0.4 * random.next());

  devicePool.startWriting();
  await delay(momentMs);
  const sabotage = plant?.tamper?.({ stack, observer, devicePool });
  await faults[fault]?.make({ stack, observer, random, anomalies });
  const endedAt = faults[fault] ? performance.now() : undefined;
  await Promise.all([sabotage, delay(seconds * 1000 - momentMs)]);
  devicePool.stopWriting();

  const timeoutMs = plant ? plantQuiescenceTimeoutMs : quiescenceTimeoutMs;
  const violations = await waitForQuiescence({ observer, devicePool, addresses: stack.addresses, timeoutMs });
  await plant?.tamperAtRest?.({ stack, observer, devicePool });
  violations.push(...(await checkEverything(request)));
  anomalies.push(...devicePool.ledger.anomalies.splice(0), ...stack.drainUnexpectedExits());
  violations.push(...violationOf('misbehaved', 'on the way', anomalies));
  const entries = devicePool.ledger.entries.slice(first);
  const seenAfter = (fits: (writtenAt: number) => boolean) =>
    entries.flatMap(({ writtenAt, seenAt }) => (fits(writtenAt) && seenAt !== undefined ? [seenAt] : []));
  const since = (time: number) => (endedAt === undefined ? undefined : Math.max(0, Math.round(time - endedAt)));
  return {
    fault,
    accepted: entries.filter(({ acceptedAt }) => acceptedAt !== undefined).length,
    acceptedByPostgres: entries.filter(({ durability }) => durability === 'postgres').length,
    recoveredMs: since(Math.min(...seenAfter((writtenAt) => writtenAt >= (endedAt ?? 0)))),
    caughtUpMs: since(Math.max(...seenAfter((writtenAt) => writtenAt < (endedAt ?? 0)))),
    durationMs: Math.round(performance.now() - startedAt),
    violations,
  };
}

async function checkEverything({ observer, devicePool, stack }: RoundOptions): Promise<Violation[]> {
  try {
    return await checkAll({ observer, devicePool, addresses: stack.addresses });
  } catch (error) {
    return [violation('unsettled', `the checker could not read everything: ${describeError(error)}`)];
  }
}

/** `fetch failed` says nothing without its cause. */
function describeError(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? String(error) : `${String(error)} (${String(cause)})`;
}
