/** Plants every fault in turn, and counts the runs until one of them fails. */
import type { SimulationOptions } from './options.ts';
import { makePlan } from './plan/make-plan.ts';
import { type Plant, plants, toVariants } from './plants/plants.ts';
import { simulate } from './simulate.ts';

const maxPrintedLength = 160;

/** @returns the exit code: 0 only if every fault was found */
export async function runPlants(
  options: SimulationOptions,
  printLine: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  let missed = 0;
  printLine(`up to ${options.runs} runs for each fault, from seed ${options.seed} on`);
  for (const [name, plant] of Object.entries(plants)) {
    if (signal.aborted || (options.plant !== undefined && options.plant !== name)) continue;
    const found = await findPlant(options, plant, signal);
    if (!found) missed += 1;
    printLine(found ? `${name}: found in run ${found.run}, seed ${found.seed}` : `${name}: NOT FOUND`);
    printLine(`  ${plant.description}`);
    if (found) printLine(`  ! ${found.violation.slice(0, maxPrintedLength)}`);
  }
  return missed === 0 && !signal.aborted ? 0 : 1;
}

async function findPlant({ seed: first, runs, operations }: SimulationOptions, plant: Plant, signal: AbortSignal) {
  for (let run = 1; run <= runs && !signal.aborted; run += 1) {
    const seed = first + run - 1;
    const plan = makePlan({ seed, operations });
    const { violations } = await simulate({ seed, plan, variants: toVariants(plant) });
    const [violation] = violations;
    if (violation === undefined) continue;
    // Only the plant may be to blame.
    if ((await simulate({ seed, plan })).violations.length === 0) return { run, seed, violation };
  }
  return undefined;
}
