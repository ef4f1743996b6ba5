/** Command-line options of `npm run bench`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './bench.ts';

export interface BenchOptions {
  readonly chosen: readonly Bench[];
  readonly isQuick: boolean;
  readonly isJson: boolean;
  /** Skips benchmarks that already have results for this commit. */
  readonly isResuming: boolean;
  /** The folder for CPU profiles. */
  readonly profileFolder: string | undefined;
  readonly isHelp: boolean;
}

export function describeHelp(benches: readonly Bench[]): string {
  const namesOf = (selected: readonly Bench[]) => selected.map(({ name }) => name).join(', ');
  const restarting = namesOf(benches.filter(({ requiresRestart }) => requiresRestart));
  const optional = namesOf(benches.filter(({ isOptional }) => isOptional));
  const width = Math.max(...benches.map(({ name }) => name.length)) + 2;
  const list = benches.map(({ name, about }) => `  ${name.padEnd(width)}${about}`).join('\n');
  return `npm run bench -- [NAME…] [options]: measures the real stack and its baselines, each in separate processes.

${list}

  --quick    runs in under a minute to check that they work; writes no results. Without a NAME it skips those that
             restart the stack: ${restarting}
  --json     the last line is {"name","targets":[{"what","value","limit","ratio","target","met"}]}
  --resume   skips benchmarks that already have results for this commit in bench/RESULTS.json
  --profile DIR  writes a CPU profile of every API and worker to DIR
  --help

Without a NAME all benchmarks run but ${optional}, which takes half an hour. Results: bench/RESULTS.md and bench/RESULTS.json.
Exit code 1 means that a benchmark failed or that \`field verify\` found a difference, not that a target was missed.`;
}

/** @throws TypeError for an unknown option, RangeError for an unknown name. */
export function parseOptions(args: readonly string[], benches: readonly Bench[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      resume: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const unknown = positionals.find((name) => !benches.some((bench) => bench.name === name));
  if (unknown !== undefined) {
    throw new RangeError(`unknown benchmark ${unknown}; available: ${benches.map(({ name }) => name).join(', ')}`);
  }
  const isChosen = ({ name, requiresRestart, isOptional }: Bench) =>
    positionals.length > 0 ? positionals.includes(name) : !isOptional && !(values.quick && requiresRestart);
  return {
    chosen: benches.filter(isChosen),
    isQuick: values.quick,
    isJson: values.json,
    isResuming: values.resume,
    profileFolder: values.profile === undefined ? undefined : resolve(values.profile),
    isHelp: values.help,
  };
}
