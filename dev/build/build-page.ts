/** Builds the live page as files that a server sends unchanged: with hashes in their names, and precompressed. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { bundlePage } from '../../api/page/page-bundle.ts';

/** Writes `index.html`, the service worker, and everything else into `assets`. @throws when a source cannot be bundled */
export async function writePage(outdir: string): Promise<void> {
  const { markup, worker, assets } = await bundlePage();
  await mkdir(join(outdir, 'assets'), { recursive: true });
  await writeFile(join(outdir, 'index.html'), markup);
  await writeFile(join(outdir, 'service-worker.js'), worker);
  for (const [name, content] of assets) {
    const file = join(outdir, 'assets', name);
    await writeFile(file, content);
    await writeFile(`${file}.gz`, gzipSync(content, { level: 9 }));
    await writeFile(`${file}.br`, brotliCompressSync(content));
  }
}
