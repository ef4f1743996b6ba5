/** A command context that captures output up to a limit, because standard output belongs to the protocol. */
import { Readable, Writable } from 'node:stream';
import type { CommandContext } from '../../context/command-context.ts';

export interface CapturedContext {
  readonly context: CommandContext;
  /** @returns what the command has printed; undefined if it was longer than the limit */
  read(): string | undefined;
}

/** @param maxCharacters of the output; anything beyond is dropped */
export function captureContext(
  { env, cwd }: Pick<CommandContext, 'env' | 'cwd'>,
  maxCharacters: number,
): CapturedContext {
  let text = '';
  let isTooLong = false;
  const append = (more: string) => {
    if (text.length + more.length > maxCharacters) isTooLong = true;
    else text += more;
  };
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return {
    context: {
      ...{ env, cwd, stdin: Readable.from([]), stdout: nowhere, stderr: nowhere },
      print: append,
      warn: () => undefined,
      setExitCode: () => undefined,
      lowerPriority: () => undefined,
      catchShutdownSignals: () => new AbortController().signal,
    },
    read: () => (isTooLong ? undefined : text),
  };
}
