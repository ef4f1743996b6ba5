/**
 * Writes text to a file or to standard output, with backpressure. A file gets its name only when it is complete, is readable
 * by its owner only, and is compressed if its name ends with .gz.
 */
import { createWriteStream, existsSync } from 'node:fs';
import { link, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { CommandContext } from '../context/command-context.ts';
import { CliError } from '../errors/cli-error.ts';
import { fileError } from '../errors/file-errors.ts';

interface OutputOptions {
  /** Undefined for standard output. */
  readonly file: string | undefined;
  /** Whether a file of this name may be replaced. */
  readonly force: boolean | undefined;
  readonly signal: AbortSignal;
}

/** @throws CliError `usage` before anything is read */
export function checkOutput({ file, force }: OutputOptions, { cwd }: CommandContext): void {
  if (file === undefined || force || !existsSync(resolve(cwd, file))) return;
  throw new CliError('usage', `${file} exists already.`, { hint: 'Add --force to replace it.' });
}

/** @throws CliError `negative` if it cannot be written, AbortError when it was stopped, and what `text` throws */
export async function writeOutput(
  text: AsyncIterable<string>,
  { file, force, signal }: OutputOptions,
  { cwd, stdout }: Pick<CommandContext, 'cwd' | 'stdout'>,
): Promise<void> {
  const source = Readable.from(text, { objectMode: false });
  if (file === undefined) return pipeline(source, stdout, { signal, end: false });
  const path = resolve(cwd, file);
  const partial = `${path}.partial`;
  const target = createWriteStream(partial, { flags: 'wx', mode: 0o600 });
  let isOurs = false;
  target.once('open', () => {
    isOurs = true;
  });
  try {
    await (file.endsWith('.gz')
      ? pipeline(source, createGzip(), target, { signal })
      : pipeline(source, target, { signal }));
    // A link fails if the name was taken meanwhile, whereas renaming would replace that file.
    if (force) await rename(partial, path);
    else await link(partial, path);
  } catch (error) {
    throw isFileError(error) ? fileError(error, { exit: 'negative', file, verb: 'written' }) : error;
  } finally {
    if (isOurs) await rm(partial, { force: true });
  }
}

/** The reader of a pipe may close it at any time, as `head` does. */
export function isOutputClosed(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function isFileError(error: unknown): boolean {
  const { code, path } = error as NodeJS.ErrnoException;
  return path !== undefined || code === 'ENOSPC' || code === 'EIO';
}
