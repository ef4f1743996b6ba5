/** Builds everything in the package that does not run from its source. A checkout does not need it. */
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
