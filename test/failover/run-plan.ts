/** Runs the rounds of each seed: one stack for each combination of topologies, each of its faults in an order that the seed determines. */
import { join } from 'node:path';
import { inspect } from 'node:util';
import { DevicePool } from '../faults/devices/device-pool.ts';
import { Observer } from '../faults/observer.ts';
import { seededRandom } from '../unit/field/support/seeded-random.ts';
import { type FailoverStack, startFailoverStack } from './failover-stack.ts';
import type { FailoverOptions } from './options.ts';
import { describeReports, describeRound, describeVersions } from './report.ts';
import { type RoundReport, runRound } from './round.ts';
import { type Combination, combinations, describeMissing } from './topologies/topologies.ts';

type PrintLine = (line: string) => void;

/** Less than in the fault rounds, since more servers share the machine. */
const updatesPerSecond = 50;

/** One fault of each engine: what happens when a machine dies. */
const shortFaults = ['kill a master', 'kill the primary'];

interface Planned {
  readonly topology: string;
  readonly fault: string;
}

/** @returns the exit code */
export async function runPlan(options: FailoverOptions, printLine: PrintLine, signal: AbortSignal): Promise<number> {
  const reports: RoundReport[] = [];
  let failed = 0;
  printLine(await describeVersions());
  for (let index = 0; index < options.seeds; index += 1) {
    const seed = options.seed + index;
    for (const combination of choose(options)) {
      if (signal.aborted) break;
      const missing = describeMissing(combination.postgres);
      if (missing !== undefined) {
        printLine(`${combination.postgres} is left out: ${missing}`);
        continue;
      }
      printLine(`seed ${seed}: ${[combination.redis, combination.postgres].filter(Boolean).join(' and ')}`);
      const results = await runStack({ ...options, seed }, combination, printLine, signal);
      reports.push(...results.reports);
      failed += results.unfinished;
    }
  }
  const isOk = ({ violations }: RoundReport) => violations.length === 0;
  printLine(`\n${describeReports(reports)}`);
  failed += reports.filter((report) => !isOk(report)).length;
  printLine(`${reports.filter(isOk).length} passed, ${failed} failed`);
  return failed === 0 && reports.length > 0 && !signal.aborted ? 0 : 1;
}

function choose({ only, isShort }: FailoverOptions): Combination[] {
  if (only === undefined) return isShort ? combinations.slice(0, 1) : [...combinations];
  const keep = (name: string | undefined) => (name === only ? name : undefined);
  return combinations
    .map(({ redis, postgres }) => ({ redis: keep(redis), postgres: keep(postgres) }))
    .filter(({ redis, postgres }) => redis !== undefined || postgres !== undefined);
}

async function runStack(options: FailoverOptions, combination: Combination, printLine: PrintLine, signal: AbortSignal) {
  const { seed, seconds } = options;
  const random = seededRandom(seed);
  const stack = await startFailoverStack(combination, printLine).catch((error: unknown) => {
    printLine(`the servers could not be started: ${inspect(error)}`);
  });
  if (!stack) return { reports: [], unfinished: 1 };
  const reports: RoundReport[] = [];
  let unfinished = 0;
  try {
    const observer = await Observer.connect(stack.urls);
    const devicePool = await DevicePool.create({
      ...{ addresses: stack.addresses, seed, number: 1 },
      folder: join(stack.folder, 'devices'),
      updatesPerSecond,
    });
    for (const { topology, fault: name } of random.shuffle(plan(options, stack))) {
      const fault = stack.faults[topology]?.[name];
      if (signal.aborted || unfinished > 0 || !fault) break;
      const report = await runRound({ topology, fault: name, seed }, fault, {
        stack,
        observer,
        devicePool,
        random,
        seconds,
      }).catch(
        // What is left of the fault would spoil later rounds.
        (error: unknown) => printLine(`${topology}, ${name}: ${inspect(error)}`),
      );
      if (report) reports.push(report);
      else unfinished += 1;
      if (report) printLine(describeRound(report));
    }
    devicePool.close();
    await observer.close();
  } finally {
    const isPassed = unfinished === 0 && reports.every(({ violations }) => violations.length === 0);
    const keepsFolder = options.keepsFolder || !isPassed;
    if (keepsFolder) printLine(`logs and data are kept in ${stack.folder}`);
    await stack.stop(keepsFolder);
  }
  return { reports, unfinished };
}

function plan({ rounds, fault: only, isShort }: FailoverOptions, { faults }: FailoverStack): Planned[] {
  const all = Object.entries(faults).flatMap(([topology, own]) =>
    Object.keys(own).map((fault) => ({ topology, fault })),
  );
  const chosen = all.filter(({ fault }) =>
    only === undefined ? !isShort || shortFaults.includes(fault) : fault === only,
  );
  return Array.from({ length: rounds }, () => chosen).flat();
}
