/** `npm run test:failover`: fails over each kind of server under load, and checks that nothing is lost. Exit code 0 only if all passed. */
import { runCommand } from '../support/run-command.ts';
import { help, parseOptions } from './options.ts';
import { runPlan } from './run-plan.ts';

await runCommand({ help, parseOptions, run: runPlan });
