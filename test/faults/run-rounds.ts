/** One run: starts a stack and a device pool and runs all rounds on them, so that leaks accumulate. */
import { seededRandom } from '../unit/field/support/seeded-random.ts';
import { LeakWatch } from './checker/leaks.ts';
import { DevicePool } from './devices/device-pool.ts';
import { planFaults } from './nemesis/plan.ts';
import { Observer } from './observer.ts';
import type { FaultOptions } from './options.ts';
import { plants } from './plants/plants.ts';
import { describeRound, describeRun } from './report.ts';
import { type RoundReport, runRound } from './round.ts';
import { startFaultStack } from './stack/fault-stack.ts';

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
  const { NODE_ALTERNATIVE } = process.env;
  if (NODE_ALTERNATIVE) printLine(`api-2 and worker-2 run under ${NODE_ALTERNATIVE}`);
  const stack = await startFaultStack({ printLine, apiPreloads: plant?.apiPreload ? [plant.apiPreload] : [] });
  let isPassed = false;
  try {
    const observer = await Observer.connect(stack.urls);
    const devicePool = await DevicePool.create(stack.addresses, seed);
    const leaks = new LeakWatch();
    const reports: RoundReport[] = [];
    for (const [index, fault] of plan.entries()) {
      if (signal.aborted) break;
      const report = await runRound({ stack, observer, devicePool, random, fault, seconds, isShort, plant });
      reports.push(report);
      leaks.sample(stack, index);
      printLine(describeRound(index + 1, report));
    }
    devicePool.close();
    await observer.close();
    const leaked = leaks.check();
    for (const { kind, detail } of leaked) printLine(`${kind}: ${detail}`);
    printLine(`\n${describeRun(reports, leaks.slopes())}`);
    printLine(describeTraffic(devicePool));
    isPassed =
      reports.length === plan.length &&
      leaked.length === 0 &&
      reports.every(({ violations }) => violations.length === 0);
    printLine(`seed ${seed}: ${isPassed ? 'all checks passed' : 'FAILED'}`);
  } finally {
    const keepsFolder = !isPassed && !plant;
    if (keepsFolder) printLine(`logs and data are kept in ${stack.folder}`);
    await stack.stop(keepsFolder);
  }
  return isPassed ? 0 : 1;
}

function describeTraffic({ ledger, devices }: DevicePool): string {
  const reconnects = devices.reduce((sum, { watcher }) => sum + watcher.reconnects, 0);
  const responses = [...ledger.statuses].map(([status, count]) => `${status || 'none'}: ${count}`).join(', ');
  return `${ledger.entries.length} updates, ${ledger.resends} resends, ${ledger.unknownCursors} unknown cursors, ${reconnects} reconnects; responses ${responses}`;
}
