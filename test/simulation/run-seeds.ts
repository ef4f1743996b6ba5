/** Many runs, one seed after the other; a run that fails is shrunk, and its history is printed. */
import type { SimulationOptions } from './options.ts';
import { makePlan } from './plan/make-plan.ts';
import type { Operation } from './plan/operation.ts';
import type { Variants } from './processes/environment.ts';
import { shrinkPlan } from './shrink.ts';
import { type RunReport, simulate } from './simulate.ts';

const progressIntervalMs = 10_000;
const maxPrintedViolations = 5;
const maxPrintedLength = 600;
/** After so many failed runs, further ones tell little. */
const maxFailures = 5;

/** @returns the exit code */
export async function runSeeds(
  options: SimulationOptions,
  printLine: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const { seed: first, runs, operations } = options;
  printLine(`seeds ${first} to ${first + runs - 1}, ${operations} operations each`);
  const totals = { runs: 0, failed: 0, updates: 0, events: 0, virtualMs: 0 };
  const startedAt = performance.now();
  let printedAt = startedAt;
  for (let seed = first; seed < first + runs && !signal.aborted && totals.failed < maxFailures; seed += 1) {
    const plan = makePlan({ seed, operations });
    const report = await simulate({ seed, plan });
    totals.runs += 1;
    totals.updates += report.updates;
    totals.events += report.events;
    totals.virtualMs += report.virtualMs;
    if (report.violations.length > 0) {
      totals.failed += 1;
      await printFailure({ seed, plan, report, isShrinking: options.isShrinking }, printLine);
    }
    if (performance.now() - printedAt < progressIntervalMs) continue;
    printedAt = performance.now();
    printLine(describeTotals(totals, performance.now() - startedAt));
  }
  printLine(describeTotals(totals, performance.now() - startedAt));
  return totals.failed === 0 ? 0 : 1;
}

function describeTotals(
  { runs, failed, updates, events, virtualMs }: Readonly<Record<string, number>> & { runs: number; failed: number },
  ms: number,
): string {
  const hours = ((virtualMs ?? 0) / 3_600_000).toFixed(1);
  const speed = ((60_000 * runs) / ms).toFixed(0);
  return `${runs} runs, ${failed} failed; ${updates} updates in ${hours} virtual hours, ${events} events; ${speed} runs a minute`;
}

interface Failure {
  readonly seed: number;
  readonly plan: readonly Operation[];
  readonly report: RunReport;
  readonly isShrinking: boolean;
  readonly variants?: Variants;
}

async function printFailure(failure: Failure, printLine: (line: string) => void): Promise<void> {
  const { seed, plan, report, isShrinking, variants } = failure;
  printLine(`seed ${seed} FAILED`);
  printViolations(report, printLine);
  const kind = kindOf(report);
  const fails = async (candidate: readonly Operation[]) =>
    kindOf(await simulate({ seed, plan: candidate, variants })) === kind;
  const shortest = isShrinking ? await shrinkPlan(plan, fails) : plan;
  const shrunk = await simulate({ seed, plan: shortest, variants });
  printLine(`seed ${seed}: ${shortest.length} of ${plan.length} operations fail as well`);
  for (const { at, text } of shrunk.history) printLine(`  ${(at / 1000).toFixed(3).padStart(8)} s  ${text}`);
  printViolations(shrunk, printLine);
}

/** The first violation without its values: a shorter plan must fail in the same way. */
function kindOf({ violations }: RunReport): string {
  return (violations[0] ?? '').replace(/[0-9a-f]{16}|\d+|\{.*|\[.*/g, '').slice(0, 40);
}

function printViolations({ violations }: RunReport, printLine: (line: string) => void): void {
  for (const violation of violations.slice(0, maxPrintedViolations))
    printLine(`  ! ${violation.slice(0, maxPrintedLength)}`);
  const more = violations.length - maxPrintedViolations;
  if (more > 0) printLine(`  ! and ${more} more`);
}
