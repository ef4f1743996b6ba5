/** The inputs of an enqueue command. Files are checked before anything is sent: a mistyped name is wrong usage. */
import { accessSync, constants, createReadStream, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError, reasonOf } from '../../errors/cli-error.ts';

const chunkBytes = 128 * 1024;

export interface LineInput {
  /** As it appears in messages: the path as given, or `standard input`. */
  readonly name: string;
  open(): Readable;
}

/** @param files paths, or `-` for standard input. @throws CliError `usage` */
export function openInputs(files: readonly string[], context: CommandContext): LineInput[] {
  if (files.filter((file) => file === '-').length > 1) {
    throw new CliError('usage', 'Standard input (-) can only be read once.');
  }
  return files.map((file) => {
    if (file === '-') return { name: 'standard input', open: () => context.stdin };
    checkFile(file, context.cwd);
    return fileInput(file, context.cwd);
  });
}

export function fileInput(file: string, cwd = process.cwd()): LineInput {
  return { name: file, open: () => createReadStream(resolve(cwd, file), { highWaterMark: chunkBytes }) };
}

function checkFile(file: string, cwd: string): void {
  const path = resolve(cwd, file);
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    throw new CliError('usage', `${file} cannot be read: ${reasonOf(cause)}`, { cause });
  }
  if (statSync(path).isDirectory()) throw new CliError('usage', `${file} is a folder: name the files in it.`);
}
