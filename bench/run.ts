/** `npm run bench`: runs the benchmarks, prints their results and writes them to RESULTS.json. */
import { onShutdownSignals } from '../shared/process/shutdown-signals.ts';
import type { Target } from './bench.ts';
import { benchmarks } from './benchmarks/all-benchmarks.ts';
import { type BenchOptions, describeHelp, parseOptions } from './options.ts';
import { readCommit, readResults, writeResults } from './report/results.ts';
import { renderTable, targetsTable } from './report/table.ts';
import { runSuite } from './suite.ts';

const printLine = (line: string) => console.log(line);
/** Stops the current stack and removes its files. */
let stop = async (): Promise<void> => undefined;
let stopping: Promise<void> | undefined;

async function main({ chosen, isQuick, profileFolder, isJson, isResuming }: BenchOptions): Promise<void> {
  const commit = readCommit();
  const completed = isResuming
    ? (await readResults()).filter((result) => result.commit === commit).map(({ name }) => name)
    : [];
  const remaining = chosen.filter(({ name }) => !completed.includes(name));
  const targets: Target[] = [];
  await runSuite({
    chosen: remaining,
    isQuick,
    profileFolder,
    printLine,
    onStack: (stack) => {
      stop = () => stack.stop();
    },
    onResult: async (result) => {
      targets.push(...result.targets);
      const order = benchmarks.map(({ name }) => name);
      if (!isQuick && profileFolder === undefined) await writeResults([result], order);
    },
  });
  printLine(`\n${renderTable(targetsTable(targets))}`);
  const name = remaining.map((bench) => bench.name).join(' ');
  if (isJson) printLine(JSON.stringify({ name, targets }));
}

try {
  const options = parseOptions(process.argv.slice(2), benchmarks);
  if (options.isHelp) {
    printLine(describeHelp(benchmarks));
    process.exit(0);
  }
  const exitInterrupted = () => process.exit(130);
  onShutdownSignals(() => {
    stopping = stop().finally(exitInterrupted);
  }, exitInterrupted);
  await main(options);
  process.exit(0);
} catch (error) {
  // After an interruption, errors are caused by the stopped servers, and the process exits when stopping is done.
  await stopping;
  console.error(error instanceof RangeError || error instanceof TypeError ? error.message : error);
  process.exit(error instanceof RangeError || error instanceof TypeError ? 2 : 1);
}
