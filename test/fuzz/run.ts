/** `npm run test:fuzz`: invalid input of every kind against real processes while a valid client works. Exit code 0 only if all checks passed. */
import { runCommand } from '../support/run-command.ts';
import { fuzz } from './fuzz.ts';
import { help, parseOptions } from './options.ts';

await runCommand({ help, parseOptions, run: fuzz });
