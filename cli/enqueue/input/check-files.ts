/** Looks at the files before anything is opened: a name mistyped is wrong usage, not a bad line. */
import { accessSync, constants, statSync } from 'node:fs';
import { CliError, reasonOf } from '../../errors/cli-error.ts';

/** @throws CliError `usage` */
export function checkFiles(files: readonly string[]): void {
  if (files.filter((file) => file === '-').length > 1) {
    throw new CliError('usage', 'Standard input (-) can only be read once.');
  }
  for (const file of files) if (file !== '-') checkFile(file);
}

function checkFile(file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw new CliError('usage', `${file} cannot be read: ${reasonOf(cause)}`, { cause });
  }
  if (statSync(file).isDirectory()) throw new CliError('usage', `${file} is a folder: name the files in it.`);
}
