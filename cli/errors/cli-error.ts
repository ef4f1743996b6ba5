/** What an exit code says, and the error that carries one to the end of the process. */

export const exitCodes = {
  ok: 0,
  /** The command did its work, and the answer is no. */
  no: 1,
  usage: 2,
  unreachable: 3,
  /** Stopped by a signal before all was done. */
  stopped: 130,
} as const;

/** For the help and the docs. */
export const exitMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'done, and the answer is yes',
  no: 'done, and the answer is no: problems, differences, refused lines, no such field',
  usage: 'wrong usage, or a setting is missing',
  unreachable: 'PostgreSQL, Redis or the API cannot be reached',
  stopped: 'stopped by Ctrl-C before all was done',
};

/** A failure in a sentence for whoever typed the command, and what to do about it. */
export class CliError extends Error {
  override name = 'CliError';
  readonly hint: string | undefined;

  constructor(
    readonly exit: keyof typeof exitCodes,
    message: string,
    { hint, cause }: { hint?: string; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.hint = hint;
  }
}

/** An error in a few words; one that stands for several attempts to connect has only its code. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
