/** `npm run test:faults`: rounds of load and faults against real processes, checked after each. Exit code 0 only if all passed. */
import { runCommand } from '../support/run-command.ts';
import { help, parseOptions } from './options.ts';
import { plants } from './plants/plants.ts';
import { runPlants } from './run-plants.ts';
import { runRounds } from './run-rounds.ts';

await runCommand({
  help,
  parseOptions,
  run: (options, printLine, signal) => {
    if (options.plant !== undefined && !plants[options.plant]) {
      throw new RangeError(`unknown plant ${options.plant}; available: ${Object.keys(plants).join(', ')}`);
    }
    return options.isPlantingAll ? runPlants(options, printLine, signal) : runRounds(options, printLine, signal);
  },
});
