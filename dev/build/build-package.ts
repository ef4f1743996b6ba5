/** Everything of the package that is not run as it is written. A checkout needs none of it. */
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundleClient, emitClientTypes } from './build-client.ts';
import { writePage } from './build-page.ts';
import { bundleServers } from './build-servers.ts';

/**
 * Replaces `outdir` with a new build, at once: a process that reads it finds the old one or the new one, never a part.
 * @throws when a module is missing, or the types of the client do not fit
 */
export async function buildPackage(outdir: string): Promise<void> {
  await mkdir(dirname(outdir), { recursive: true });
  const folder = await mkdtemp(`${outdir}-`);
  try {
    await bundleServers(folder);
    await bundleClient(join(folder, 'client'));
    await writePage(join(folder, 'page'));
    await emitClientTypes(join(folder, 'client/types'));
    // A temporary folder is for its owner only; the image runs as another user.
    await chmod(folder, 0o755);
    await rm(outdir, { recursive: true, force: true });
    await rename(folder, outdir);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
