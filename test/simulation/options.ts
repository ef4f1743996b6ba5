/** Command-line options of `npm run test:simulation`. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parsePositiveInteger } from '../support/parse-positive-integer.ts';

export interface SimulationOptions {
  /** The seed of the first run; the others count up from it. */
  readonly seed: number;
  readonly runs: number;
  readonly operations: number;
  /** Plants every fault in turn, or only the one of this name: a run must then fail. */
  readonly isPlanting: boolean;
  readonly plant: string | undefined;
  readonly isShrinking: boolean;
  readonly isHelp: boolean;
}

export const help = `npm run test:simulation -- [options]
  --seed S        the seed of the first run, which is printed at the start; further runs use S+1, S+2, ...
  --runs N        number of runs (default 100)
  --operations N  operations in a run, faults included (default 200)
  --no-shrink     prints the whole history of a failed run, without looking for a shorter one that fails as well
  --plants        plants faults in turn; the exit code is 0 only if each was found within --runs runs
  --plant NAME    plants only this one

A failed run prints its seed: --seed S --runs 1 repeats it exactly.`;

/** @throws TypeError for an unknown option, RangeError for a bad number. */
export function parseOptions(args: readonly string[]): SimulationOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      runs: { type: 'string' },
      operations: { type: 'string' },
      'no-shrink': { type: 'boolean', default: false },
      plants: { type: 'boolean', default: false },
      plant: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    seed: parsePositiveInteger('seed', values.seed, randomInt(1, 2 ** 31)),
    runs: parsePositiveInteger('runs', values.runs, 100),
    operations: parsePositiveInteger('operations', values.operations, 200),
    isPlanting: values.plants || values.plant !== undefined,
    plant: values.plant,
    isShrinking: !values['no-shrink'],
    isHelp: values.help,
  };
}
