/** Command-line options of `npm run test:fuzz`. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parsePositiveInteger } from '../support/parse-positive-integer.ts';

export interface FuzzOptions {
  /** Determines every request; their interleaving still varies. */
  readonly seed: number;
  /** Total number of requests and socket messages. */
  readonly requests: number;
  /** No more requests are sent after this time. */
  readonly seconds: number;
  /** The only kind to send; all kinds if undefined. */
  readonly kind: string | undefined;
  /** Measure what the most expensive requests cost instead. */
  readonly isCosts: boolean;
  readonly isHelp: boolean;
}

export const help = `npm run test:fuzz -- [options]
  --requests N   invalid requests and socket messages to send (default 20000)
  --seconds N    stops sending after this time (default 600)
  --seed N       repeats the requests of an earlier run, which prints its seed at the start
  --kind NAME    sends only this kind
  --short        2500 requests, for CI
  --costs        measures the CPU and the bytes of the most expensive requests instead, and checks that refusals are cheap
Starts its own PostgreSQL, Redis, API and worker. Exit code 0 only if all checks passed.`;

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
      costs: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    seed: parsePositiveInteger('seed', values.seed, randomInt(1, 2 ** 31)),
    requests: parsePositiveInteger('requests', values.requests, values.short ? 2500 : 20_000),
    seconds: parsePositiveInteger('seconds', values.seconds, 600),
    kind: values.kind,
    isCosts: values.costs,
    isHelp: values.help,
  };
}
