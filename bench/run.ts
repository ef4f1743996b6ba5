/** `npm run bench`: runs the benchmarks, shows what they found, and keeps it. */
import { onStopSignals } from '../shared/process/shutdown-signals.ts';
import type { Target } from './bench.ts';
import { benches } from './benchmarks/all-benchmarks.ts';
import { describeHelp, type Options, parseOptions } from './options.ts';
import { readCommit, readResults, writeResults } from './report/results.ts';
import { renderTable, targetsTable } from './report/table.ts';
import { runSuite } from './suite.ts';

const say = (line: string) => console.log(line);
/** Ends what runs and removes its files. */
let stop = async (): Promise<void> => undefined;
let stopping: Promise<void> | undefined;

async function main({ chosen, isQuick, profileFolder, asJson, resumes }: Options): Promise<void> {
  const commit = readCommit();
  const done = resumes ? (await readResults()).filter((one) => one.commit === commit).map(({ name }) => name) : [];
  const left = chosen.filter(({ name }) => !done.includes(name));
  const targets: Target[] = [];
  await runSuite({
    chosen: left,
    isQuick,
    profileFolder,
    say,
    onStack: (stack) => {
      stop = () => stack.stop();
    },
    onResult: async (result) => {
      targets.push(...result.targets);
      const order = benches.map(({ name }) => name);
      if (!isQuick && profileFolder === undefined) await writeResults([result], order);
    },
  });
  say(`\n${renderTable(targetsTable(targets))}`);
  const name = left.map((bench) => bench.name).join(' ');
  if (asJson) say(JSON.stringify({ name, targets }));
}

try {
  const options = parseOptions(process.argv.slice(2), benches);
  if (options.wantsHelp) {
    say(describeHelp(benches));
    process.exit(0);
  }
  const end = () => process.exit(130);
  onStopSignals(() => {
    stopping = stop().finally(end);
  }, end);
  await main(options);
  process.exit(0);
} catch (error) {
  // What fails now does so because its servers are gone.
  await stopping;
  console.error(error instanceof RangeError || error instanceof TypeError ? error.message : error);
  process.exit(error instanceof RangeError || error instanceof TypeError ? 2 : 1);
}
