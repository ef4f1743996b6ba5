/** One run: starts a stack and runs all rounds on it, so that leaks accumulate. */
import { join } from 'node:path';
import { inspect } from 'node:util';
import { seededRandom } from '../unit/field/support/seeded-random.ts';
import { LeakWatch } from './checker/leaks.ts';
import type { Violation } from './checker/violation.ts';
import { DevicePool } from './devices/device-pool.ts';
import { describePlan, planFaults } from './nemesis/plan.ts';
import { Observer } from './observer.ts';
import type { FaultOptions } from './options.ts';
import { plants } from './plants/plants.ts';
import { describeRound, describeRun, describeTraffic } from './report.ts';
import { checkEverything, type RoundReport, runRound } from './round.ts';
import { startFaultStack } from './stack/fault-stack.ts';

/**
 * Each round checks the whole logs of its fields. With new fields now and then, a round of a long run takes no longer than
 * one of a short run.
 */
const roundsPerPool = 10;

/** @returns the exit code */
export async function runRounds(
  options: FaultOptions,
  printLine: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const { seed, seconds, isShort, plant: plantName } = options;
  const plant = plantName === undefined ? undefined : plants[plantName];
  const random = seededRandom(seed);
  const plan = planFaults({ ...options, rounds: Math.max(options.rounds, plant?.rounds ?? 0) }, random);
  printLine(`seed ${seed}: ${plan.length} rounds${plantName ? `, with ${plantName} planted` : ''}`);
  for (const line of describePlan(plan, options)) printLine(line);
  const stack = await startFaultStack({ printLine, apiPreloads: plant?.apiPreload ? [plant.apiPreload] : [] });
  let isPassed = false;
  try {
    const observer = await Observer.connect(stack.urls);
    const pools: DevicePool[] = [];
    const leaks = new LeakWatch();
    const reports: RoundReport[] = [];
    for (const [index, fault] of plan.entries()) {
      if (signal.aborted) break;
      if (index % roundsPerPool === 0) {
        pools.at(-1)?.close();
        pools.push(
          await DevicePool.create({
            addresses: stack.addresses,
            seed: seed + index,
            number: pools.length + 1,
            folder: join(stack.folder, 'devices'),
          }),
        );
      }
      const devicePool = pools.at(-1) as DevicePool;
      const context = { stack, observer, devicePool, random, fault, seconds, isShort, plant };
      const report = await runRound(context).catch((error: unknown) => {
        // What is left of the fault would spoil later rounds; the earlier ones are reported.
        printLine(`round ${index + 1}: ${inspect(error)}`);
      });
      if (!report) break;
      reports.push(report);
      await leaks.sample(stack, index);
      printLine(describeRound(index + 1, report));
    }
    pools.at(-1)?.close();
    // Later rounds must not have changed the fields of earlier ones.
    const finalViolations: Violation[] = leaks.check();
    for (const devicePool of pools.slice(0, -1))
      finalViolations.push(...(await checkEverything({ stack, observer, devicePool })));
    await observer.close();
    for (const { kind, detail } of finalViolations) printLine(`${kind}: ${detail}`);
    printLine(`\n${describeRun(reports, leaks.slopes())}`);
    printLine(describeTraffic(pools));
    isPassed =
      reports.length === plan.length &&
      finalViolations.length === 0 &&
      reports.every(({ violations }) => violations.length === 0);
    printLine(`seed ${seed}: ${isPassed ? 'all checks passed' : 'FAILED'}`);
  } finally {
    const keepsFolder = !isPassed && !plant;
    if (keepsFolder) printLine(`logs and data are kept in ${stack.folder}`);
    await stack.stop(keepsFolder);
  }
  return isPassed ? 0 : 1;
}
