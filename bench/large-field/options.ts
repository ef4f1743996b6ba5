/** Command-line options of `npm run bench:large`. */
import { parseArgs } from 'node:util';
import { parsePositiveInteger } from '../../test/support/parse-positive-integer.ts';

export interface LargeFieldOptions {
  /** The total of all fields. */
  readonly updates: number;
  readonly fields: number;
  readonly isHelp: boolean;
}

export const help = `npm run bench:large -- [options]: writes long logs to its own PostgreSQL, and measures what is done with them: loading the
state, exporting, backing up, restoring, replaying and pruning. Exit code 1 means that something was lost or differs.

  --updates N  the updates of all fields (default 1000000)
  --fields N   the number of fields (default 1)
  --help`;

/** @throws TypeError for an unknown option, RangeError for an invalid value */
export function parseOptions(args: readonly string[]): LargeFieldOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      updates: { type: 'string' },
      fields: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const updates = parsePositiveInteger('updates', values.updates, 1_000_000);
  const fields = parsePositiveInteger('fields', values.fields, 1);
  // Otherwise retention keeps the little that there is.
  if (updates < minUpdates * fields) throw new RangeError(`--updates must be at least ${minUpdates} per field`);
  return { updates, fields, isHelp: values.help };
}

const minUpdates = 5000;
