/** `npm run test:faults`: rounds of load and faults against real processes, checked after each. Exit code 0 only if all held. */
import { onShutdownSignals } from '../../shared/process/shutdown-signals.ts';
import { type FaultOptions, help, parseOptions } from './options.ts';
import { plants } from './plants/plants.ts';
import { runPlants } from './run-plants.ts';
import { runRounds } from './run-rounds.ts';

const say = (line: string) => console.log(line);

async function main(options: FaultOptions): Promise<number> {
  if (options.isHelp) {
    say(help);
    return 0;
  }
  if (options.plant !== undefined && !plants[options.plant]) {
    throw new RangeError(`no plant ${options.plant}: ${Object.keys(plants).join(', ')}`);
  }
  const stop = new AbortController();
  onShutdownSignals(
    () => stop.abort(),
    () => process.exit(1), // The guard stops what was started.
  );
  return options.isPlantingAll ? runPlants(options, say, stop.signal) : runRounds(options, say, stop.signal);
}

try {
  process.exit(await main(parseOptions(process.argv.slice(2))));
} catch (error) {
  console.error(error instanceof RangeError || error instanceof TypeError ? error.message : error);
  process.exit(1);
}
