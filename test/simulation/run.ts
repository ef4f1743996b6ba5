/** `npm run test:simulation`: the system on models of its servers, in virtual time. Exit code 0 only if nothing was found. */
import { runCommand } from '../support/run-command.ts';
import { help, parseOptions } from './options.ts';
import { plants } from './plants/plants.ts';
import { runPlants } from './run-plants.ts';
import { runSeeds } from './run-seeds.ts';

await runCommand({
  help,
  parseOptions,
  run: (options, printLine, signal) => {
    if (options.plant !== undefined && !plants[options.plant]) {
      throw new RangeError(`unknown plant ${options.plant}; available: ${Object.keys(plants).join(', ')}`);
    }
    return options.isPlanting ? runPlants(options, printLine, signal) : runSeeds(options, printLine, signal);
  },
});
