/** Errors about files that were named on the command line. */
import { CliError, type ExitCodeName, reasonOf } from './cli-error.ts';

/** What the system's code means, and what to do about it. */
const meanings: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOENT: ['there is no such file or folder', 'Check the path; a relative one starts in the folder that you are in.'],
  EACCES: ['the permissions do not allow it', 'Change them, or run the command as their owner.'],
  EPERM: ['the permissions do not allow it', 'Change them, or run the command as their owner.'],
  EISDIR: ['it is a folder', 'Name a file in it.'],
  ENOTDIR: ['a part of its path is no folder', 'Check the path.'],
  EEXIST: [
    'there is such a file already',
    'Another run may be writing it; otherwise remove it, or choose another name.',
  ],
  ENOSPC: ['the disk is full', 'Make space, or choose a path on another disk.'],
  EROFS: ['the disk is read-only', 'Choose a path on another disk.'],
};
const unknown = 'Check the path and the disk.';

interface FileErrorOptions {
  readonly exit: ExitCodeName;
  readonly file: string;
  readonly verb: 'read' | 'written';
}

export function fileError(cause: unknown, { exit, file, verb }: FileErrorOptions): CliError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  const [reason, hint] = meanings[code] ?? [reasonOf(cause), unknown];
  return new CliError(exit, `${file} cannot be ${verb}: ${reason}.`, { hint, cause });
}
