/** Everything of the package that is not run as it is written. A checkout needs none of it. */
import { join } from 'node:path';
import { writePage } from './build-page.ts';
import { bundleServers } from './build-servers.ts';
import { replaceFolder } from './replace-folder.ts';

/** Replaces `outdir` with a new build. @throws when a module is missing */
export async function buildPackage(outdir: string): Promise<void> {
  await replaceFolder(outdir, async (folder) => {
    await bundleServers(folder);
    await writePage(join(folder, 'page'));
  });
}
