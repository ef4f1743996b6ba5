/** `npm run test:fuzz`: bad input of every kind against real processes, while a good client goes on. Exit code 0 only if all held. */
import { onShutdownSignals } from '../../shared/process/shutdown-signals.ts';
import { fuzz } from './fuzz.ts';
import { type FuzzOptions, help, parseOptions } from './options.ts';

const say = (line: string) => console.log(line);

async function main(options: FuzzOptions): Promise<number> {
  if (options.isHelp) {
    say(help);
    return 0;
  }
  const stop = new AbortController();
  onShutdownSignals(
    () => stop.abort(),
    () => process.exit(1), // The guard stops what was started.
  );
  return fuzz(options, say, stop.signal);
}

try {
  process.exit(await main(parseOptions(process.argv.slice(2))));
} catch (error) {
  console.error(error instanceof RangeError || error instanceof TypeError ? error.message : error);
  process.exit(1);
}
