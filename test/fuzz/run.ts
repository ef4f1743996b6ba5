/** `npm run test:fuzz`: invalid input of every kind against real processes while a valid client works. Exit code 0 only if all checks passed. */
import { runCommand } from '../support/run-command.ts';
import { measureCosts } from './costs/measure-costs.ts';
import { fuzz } from './fuzz.ts';
import { type FuzzOptions, help, parseOptions } from './options.ts';

await runCommand<FuzzOptions>({
  help,
  parseOptions,
  run: (options, printLine, signal) =>
    options.isCosts ? measureCosts(options.seed, printLine) : fuzz(options, printLine, signal),
});
