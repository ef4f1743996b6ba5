/** Command-line options of `npm run test:faults`. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parsePositiveInteger } from '../support/parse-positive-integer.ts';

export interface FaultOptions {
  /** Determines the plan, the times of the faults and the changes; the processes still run concurrently and may race. */
  readonly seed: number;
  readonly rounds: number;
  /** How long devices write in a round, in addition to the duration of the fault. */
  readonly seconds: number;
  /** Only faults with a short recovery, for CI. */
  readonly isShort: boolean;
  /** The only fault, injected in every round. */
  readonly fault: string | undefined;
  /** Excluded faults. */
  readonly without: readonly string[];
  /** Plants this defect; the run must then fail. */
  readonly plant: string | undefined;
  /** Plants every defect in a run of its own. */
  readonly isPlantingAll: boolean;
  readonly isHelp: boolean;
}

export const help = `npm run test:faults -- [options]
  --rounds N     number of rounds, one fault each (default 16)
  --seconds N    how long devices write in a round, in addition to the fault (default 8)
  --seed N       repeats the plan of an earlier run, which prints its seed at the start
  --short        only faults with a short recovery; under four minutes with --rounds 5
  --fault NAME   injects this fault in every round (none: no fault)
  --without A,B  excludes faults
  --plant NAME   plants a defect; the run must end with exit code 1
  --plants       plants every defect in turn; exit code 0 only if all were detected`;

/** @throws TypeError for an unknown option, RangeError for a bad number. */
export function parseOptions(args: readonly string[]): FaultOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      short: { type: 'boolean', default: false },
      fault: { type: 'string' },
      without: { type: 'string', default: '' },
      plant: { type: 'string' },
      plants: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    seed: parsePositiveInteger('seed', values.seed, randomInt(1, 2 ** 31)),
    rounds: parsePositiveInteger('rounds', values.rounds, values.plant ? 1 : 16),
    seconds: parsePositiveInteger('seconds', values.seconds, values.short ? 5 : 8),
    isShort: values.short,
    fault: values.fault,
    without: values.without.split(',').filter(Boolean),
    plant: values.plant,
    isPlantingAll: values.plants,
    isHelp: values.help,
  };
}
