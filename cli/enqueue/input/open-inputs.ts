/** The inputs of an enqueue command. Files are checked before anything is sent: a mistyped name is wrong usage. */
import { accessSync, constants, createReadStream, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { fileError } from '../../errors/file-errors.ts';

const chunkBytes = 128 * 1024;

export interface LineInput {
  /** As it appears in messages: the path as given, or `standard input`. */
  readonly name: string;
  /** In bytes; undefined for standard input, pipes and devices. */
  readonly size: number | undefined;
  /** How many bytes have been read so far. */
  bytesRead: number;
  open(): Readable;
}

/** @param files paths, or `-` for standard input. @throws CliError `usage` */
export function openInputs(files: readonly string[], context: CommandContext): LineInput[] {
  if (files.filter((file) => file === '-').length > 1) {
    throw new CliError('usage', 'Standard input (-) can only be read once: name it once.');
  }
  return files.map((file) => {
    if (file === '-') return { name: 'standard input', size: undefined, bytesRead: 0, open: () => context.stdin };
    return fileInput(file, context.cwd);
  });
}

/** @throws CliError `usage` */
export function fileInput(file: string, cwd = process.cwd()): LineInput {
  const path = resolve(cwd, file);
  return {
    name: file,
    size: checkFile(file, path),
    bytesRead: 0,
    open: () => createReadStream(path, { highWaterMark: chunkBytes }),
  };
}

/** @returns the size of a regular file */
function checkFile(file: string, path: string): number | undefined {
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    throw fileError(cause, { exit: 'usage', file, verb: 'read' });
  }
  const stats = statSync(path);
  if (stats.isDirectory()) throw new CliError('usage', `${file} is a folder: name the files in it.`);
  return stats.isFile() ? stats.size : undefined;
}
