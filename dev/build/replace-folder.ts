/** Makes a build appear as one step to everyone who reads its folder. */
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Replaces `outdir` at once with what `write` puts into a temporary folder: a process that reads it finds the complete old or
 * new build. Of several that replace it at the same time, the last one wins.
 */
export async function replaceFolder(outdir: string, write: (folder: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(outdir), { recursive: true });
  // Hidden, so that compilers and linters that run meanwhile do not take the unfinished build for source.
  const folder = await mkdtemp(join(dirname(outdir), '.build-'));
  try {
    await write(folder);
    // Temporary folders are only accessible to their owner, and the image runs as another user.
    await chmod(folder, 0o755);
    await moveInto(outdir, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function moveInto(outdir: string, folder: string): Promise<void> {
  const replaced = `${folder}-replaced`;
  for (let moved = false; !moved; ) {
    await rename(outdir, replaced).catch(unless('ENOENT'));
    moved = await rename(folder, outdir).then(() => true, unless('ENOTEMPTY', 'EEXIST'));
    await rm(replaced, { recursive: true, force: true });
  }
}

/** Turns an error with one of the codes into `false`. */
function unless(...codes: string[]): (error: NodeJS.ErrnoException) => false {
  return (error) => {
    if (codes.includes(error.code ?? '')) return false;
    throw error;
  };
}
