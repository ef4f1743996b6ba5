/** Makes a build appear as one step to everyone who reads its folder. */
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Replaces `outdir` at once with what `write` puts into a temporary folder: a process that reads it finds the complete old or
 * new build.
 */
export async function replaceFolder(outdir: string, write: (folder: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(outdir), { recursive: true });
  const folder = await mkdtemp(`${outdir}-`);
  try {
    await write(folder);
    // Temporary folders are only accessible to their owner, and the image runs as another user.
    await chmod(folder, 0o755);
    await rm(outdir, { recursive: true, force: true });
    await rename(folder, outdir);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
