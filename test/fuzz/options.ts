/** What `npm run test:fuzz` can be told. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parsePositiveInteger } from '../support/parse-positive-integer.ts';

export interface FuzzOptions {
  /** Repeats every request of a run, though not which of them meet. */
  readonly seed: number;
  /** Requests and socket messages together. */
  readonly requests: number;
  /** After this time no more are sent. */
  readonly seconds: number;
  /** This kind alone. */
  readonly kind: string | undefined;
  readonly isHelp: boolean;
}

export const help = `npm run test:fuzz -- [options]
  --requests N   bad requests and socket messages to send (20000)
  --seconds N    sends no more after this time (600)
  --seed N       repeats the requests of a run; printed at its start
  --kind NAME    this kind alone
  --short        2500 requests, for CI
Starts PostgreSQL, Redis, an API and a worker of its own. Exit code 0 only if everything held.`;

/** @throws TypeError for an unknown option, RangeError for a bad number. */
export function parseOptions(args: readonly string[]): FuzzOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      requests: { type: 'string' },
      seconds: { type: 'string' },
      kind: { type: 'string' },
      short: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    seed: parsePositiveInteger('seed', values.seed, randomInt(1, 2 ** 31)),
    requests: parsePositiveInteger('requests', values.requests, values.short ? 2500 : 20_000),
    seconds: parsePositiveInteger('seconds', values.seconds, 600),
    kind: values.kind,
    isHelp: values.help,
  };
}
