/** `npm run test:simulation`: the system on models of its servers, in virtual time. Exit code 0 only if nothing was found. */
import { runCommand } from '../support/run-command.ts';
import { help, parseOptions } from './options.ts';
import { runSeeds } from './run-seeds.ts';

await runCommand({ help, parseOptions, run: runSeeds });
