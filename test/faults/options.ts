/** What `npm run test:faults` can be told. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parsePositiveInteger } from '../support/parse-positive-integer.ts';

export interface FaultOptions {
  /** Repeats the plan, the moments and the changes; what runs side by side still races as it likes. */
  readonly seed: number;
  readonly rounds: number;
  /** How long devices send in a round, beside the time that the fault itself takes. */
  readonly seconds: number;
  /** Only faults that pass quickly, for CI. */
  readonly isShort: boolean;
  /** This fault alone, in every round. */
  readonly fault: string | undefined;
  /** Faults that are left out. */
  readonly without: readonly string[];
  /** Plants this defect: the run must then fail. */
  readonly plant: string | undefined;
  /** Plants every defect, one run each. */
  readonly isPlantingAll: boolean;
  readonly isHelp: boolean;
}

export const help = `npm run test:faults -- [options]
  --rounds N     how many rounds, one fault each (16)
  --seconds N    how long devices send in a round, beside the fault (8)
  --seed N       repeats the plan of a run; printed at its start
  --short        only faults that pass quickly: with --rounds 5 under four minutes
  --fault NAME   this fault in every round (none: no fault at all)
  --without A,B  leaves faults out
  --plant NAME   plants a defect and must end with exit code 1
  --plants       plants every defect in turn; exit code 0 only if each was caught`;

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
