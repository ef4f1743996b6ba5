/** Command-line options of `npm run test:failover`. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parsePositiveInteger } from '../support/parse-positive-integer.ts';
import { topologyNames } from './topologies/topologies.ts';

export interface FailoverOptions {
  /** Determines which servers are hit, when, and what devices write. The next run of `--seeds` adds one. */
  readonly seed: number;
  readonly seeds: number;
  /** How often each fault is injected with each seed. */
  readonly rounds: number;
  /** How long devices write in a round, in addition to the fault. */
  readonly seconds: number;
  /** One fault of one topology each of Redis and PostgreSQL, for CI. */
  readonly isShort: boolean;
  /** The only topology. */
  readonly only: string | undefined;
  /** The only fault. */
  readonly fault: string | undefined;
  /** Whether logs and data are kept although all checks passed. */
  readonly keepsFolder: boolean;
  readonly isHelp: boolean;
}

export const help = `npm run test:failover -- [options]
  --seed N       repeats the plan of an earlier run, which prints its seed at the start
  --seeds N      runs with N seeds, one after the other (default 1)
  --rounds N     how often each fault is injected (default 1)
  --seconds N    how long devices write in a round, in addition to the fault (default 12)
  --only NAME    only one topology: ${topologyNames.join(', ')}
  --fault NAME   only one fault
  --keep         keeps logs and data although all checks passed
  --short        one fault each of Redis and PostgreSQL; under a minute`;

/** @throws TypeError for an unknown option, RangeError for a bad value. */
export function parseOptions(args: readonly string[]): FailoverOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      fault: { type: 'string' },
      keep: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.only !== undefined && !topologyNames.includes(values.only)) {
    throw new RangeError(`unknown topology ${values.only}; available: ${topologyNames.join(', ')}`);
  }
  return {
    seed: parsePositiveInteger('seed', values.seed, randomInt(1, 2 ** 31)),
    seeds: parsePositiveInteger('seeds', values.seeds, 1),
    rounds: parsePositiveInteger('rounds', values.rounds, 1),
    seconds: parsePositiveInteger('seconds', values.seconds, values.short ? 4 : 12),
    isShort: values.short,
    only: values.only,
    fault: values.fault,
    keepsFolder: values.keep,
    isHelp: values.help,
  };
}
