/** The command context of this process. */
import { constants, setPriority } from 'node:os';
import { onShutdownSignals } from '../../shared/process/shutdown-signals.ts';
import { type ExitCodeName, exitCodes } from '../errors/cli-error.ts';
import { escapeOutput } from '../text/escape-control-chars.ts';
import type { CommandContext } from './command-context.ts';

export function createProcessContext(): CommandContext {
  const shutdown = new AbortController();
  let isCatching = false;
  return {
    env: process.env,
    cwd: process.cwd(),
    // Getters, because the first access to a standard stream opens it.
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return process.stdout;
    },
    get stderr() {
      return process.stderr;
    },
    // Anything that a command prints may contain untrusted text.
    print: (line) => console.log(escapeOutput(line)),
    warn: (line) => console.error(escapeOutput(line)),
    setExitCode: (name: ExitCodeName) => {
      process.exitCode = exitCodes[name];
    },
    catchShutdownSignals() {
      if (!isCatching) {
        onShutdownSignals(
          () => shutdown.abort(),
          () => process.exit(exitCodes.stopped),
        );
      }
      isCatching = true;
      return shutdown.signal;
    },
    lowerPriority: () => setPriority(constants.priority.PRIORITY_LOW),
  };
}
