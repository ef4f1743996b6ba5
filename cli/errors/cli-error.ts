/** The exit codes, and the error that carries one to the end of the process. */

export const exitCodes = {
  ok: 0,
  /** The command did its work, and its result is negative. */
  negative: 1,
  usage: 2,
  unreachable: 3,
  /** Stopped by a signal before all was done. */
  stopped: 130,
} as const;

export type ExitCodeName = keyof typeof exitCodes;

/** For the help and the docs. */
export const exitMeanings: Readonly<Record<ExitCodeName, string>> = {
  ok: 'success',
  negative: 'negative result: problems, differences, rejected lines, no such field',
  usage: 'wrong usage, or a setting is missing',
  unreachable: 'PostgreSQL, Redis or the API cannot be reached',
  stopped: 'stopped by Ctrl-C before all was done',
};

/** A failure as a sentence for the user, with a hint about what to do next. */
export class CliError extends Error {
  override name = 'CliError';
  readonly hint: string | undefined;

  constructor(
    readonly exit: ExitCodeName,
    message: string,
    { hint, cause }: { hint?: string; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.hint = hint;
  }
}

/** An error in a few words. An AggregateError of several connection attempts has no message, only a code. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
