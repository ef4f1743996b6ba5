/** What a command may use of its process. A test provides its own context and so runs commands in its own process. */
import type { Readable, Writable } from 'node:stream';
import type { ExitCodeName } from '../errors/cli-error.ts';

/** A terminal, a pipe, a file, or the buffer of a test. */
export type OutputStream = Writable & { readonly isTTY?: boolean };

export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths in arguments and settings start here. */
  readonly cwd: string;
  readonly stdin: Readable;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Writes one line of result to standard output. */
  print(line: string): void;
  /** Writes one line for a person to standard error. */
  warn(line: string): void;
  /** Sets how the process ends once the command has returned; `ok` unless it is set. */
  setExitCode(name: ExitCodeName): void;
  /**
   * A signal that aborts at the first SIGINT, SIGTERM or SIGHUP. A command that never calls this is ended by such a
   * signal at once; after a call, only a second one ends the process.
   */
  catchShutdownSignals(): AbortSignal;
  /** Lowers the CPU priority of this process for the rest of its life. */
  lowerPriority(): void;
}
