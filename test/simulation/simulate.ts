/** One run: a plan is carried out on a world, all faults end, everything comes to rest, and then everything is checked. */
import { seededRandom } from '../unit/field/support/seeded-random.ts';
import { checkEdits } from './checker/check-edits.ts';
import { checkLog } from './checker/check-log.ts';
import { checkReaders } from './checker/check-readers.ts';
import { LeaseWatch } from './checker/lease-watch.ts';
import { listUnsettled } from './checker/quiescence.ts';
import { installVirtualGlobals } from './kernel/install-globals.ts';
import { VirtualTime } from './kernel/virtual-time.ts';
import type { Operation } from './plan/operation.ts';
import { correctVariants, type Variants } from './processes/environment.ts';
import { World } from './processes/world.ts';

/** Some time in 2026, so that timestamps look as they do in production. */
const startsAt = 1_780_000_000_000;
/** In virtual time after the end of all faults; a client's longest pause is 30 s, a stalled job comes back after 30 s. */
const maxSettleMs = 240_000;
const settleCheckMs = 500;
const leaseCheckIntervalMs = 500;
/** Between the last update and the check. */
const restMs = 12_000;

export interface RunOptions {
  readonly seed: number;
  readonly plan: readonly Operation[];
  readonly variants?: Variants;
}

export interface RunReport {
  readonly violations: readonly string[];
  /** What happened when, in ms after the start. */
  readonly history: readonly { readonly at: number; readonly text: string }[];
  readonly events: number;
  readonly virtualMs: number;
  readonly updates: number;
}

export async function simulate({ seed, plan, variants = correctVariants }: RunOptions): Promise<RunReport> {
  const globals = installVirtualGlobals();
  const random = seededRandom(seed ^ 0x5eed);
  const time = new VirtualTime(startsAt);
  globals.enter({ time, random });
  const onRejection = (error: unknown) => void time.uncaught.push({ process: 'a promise', error });
  process.on('unhandledRejection', onRejection);
  try {
    const world = new World(time, random, variants);
    world.start();
    const leaseWatch = new LeaseWatch(world);
    world.every(leaseCheckIntervalMs, () => leaseWatch.check());
    const violations = [...(await carryOut(world, plan)), ...leaseWatch.violations];
    return {
      violations,
      history: world.notes,
      events: time.eventCount,
      virtualMs: world.elapsedMs,
      updates: [...world.environment.postgres.database.fields.values()].reduce((sum, { version }) => sum + version, 0),
    };
  } finally {
    process.off('unhandledRejection', onRejection);
    globals.leave();
  }
}

async function carryOut(world: World, plan: readonly Operation[]): Promise<string[]> {
  const { time, postgres, queue, fallbackQueue } = world.environment;
  const start = time.now;
  for (const { at, text, run } of plan) {
    time.scheduleFor(undefined, at, () => {
      world.note(text);
      run(world);
    });
  }
  await time.runUntil(start + (plan.at(-1)?.at ?? 0) + 1000);
  world.note('all faults end');
  world.repair();
  const unsettled = await waitUntilSettled(world);
  world.note(unsettled.length > 0 ? 'not everything has come to rest' : 'everything has come to rest');
  const violations = unsettled.map((text) => `not settled: ${text}`);
  const { fields } = postgres.database;
  for (const row of fields.values()) {
    const checked = checkLog(row);
    violations.push(...checked.violations);
    if (unsettled.length === 0) violations.push(...(await checkReaders(world, checked.state)));
  }
  if (unsettled.length === 0)
    violations.push(
      ...checkEdits(world.ledger, fields, {
        hasLostCommits: postgres.historyBreaks > 0,
        hasLostData: world.hasLostData,
      }),
    );
  for (const { violations: breaches } of [...world.watchers, world.httpCache]) violations.push(...breaches);
  for (const { job, error } of [...queue.deadLetters, ...fallbackQueue.deadLetters])
    violations.push(`a job was dead-lettered: ${error}: ${JSON.stringify(job)}`);
  for (const { process, error } of time.uncaught) violations.push(`${process} threw ${describeError(error)}`);
  return violations;
}

/** @returns what has not come to rest in time */
async function waitUntilSettled(world: World): Promise<string[]> {
  const { time } = world.environment;
  const deadline = time.now + maxSettleMs;
  let quietSince: number | undefined;
  for (;;) {
    await time.runUntil(time.now + settleCheckMs);
    const unsettled = listUnsettled(world);
    if (unsettled.length > 0) quietSince = undefined;
    else quietSince ??= time.now;
    if (quietSince !== undefined && time.now - quietSince >= restMs) return [];
    if (time.now >= deadline) return unsettled.length > 0 ? unsettled : ['it never stayed at rest'];
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
