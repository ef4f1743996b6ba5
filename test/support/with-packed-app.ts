/**
 * An npm package as an app gets it: packed by npm and unpacked into `node_modules`. It is unpacked with tar, because
 * installing the servers' dependencies takes a minute; `.ci/package` installs packages by npm.
 */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { withFolder } from './with-folder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const notCopied = new Set(['.git', 'node_modules', 'dist', '.field', 'backups', 'coverage']);

/** A copy of the checkout, because `npm pack` replaces its build. */
async function withCheckout(t: Test): Promise<string> {
  const checkout = await withFolder(t);
  for (const name of await readdir(root)) {
    if (!notCopied.has(name)) await cp(join(root, name), join(checkout, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'));
  return checkout;
}

/**
 * Creates an empty app with a packed package in its `node_modules`.
 * @param folder the package's folder in the checkout
 */
export async function withPackedApp(
  t: Test,
  folder: string,
  packageName: string,
): Promise<{ app: string; installed: string }> {
  const app = await withFolder(t);
  const pack = ['pack', '--silent', '--pack-destination', app];
  execFileSync('npm', pack, { cwd: join(await withCheckout(t), folder), stdio: 'pipe' });
  const tarball = (await readdir(app)).find((file) => file.endsWith('.tgz')) ?? '';
  const installed = join(app, 'node_modules', packageName);
  await mkdir(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(app, tarball), '--strip-components=1', '-C', installed]);
  await writeFile(join(app, 'package.json'), '{"type":"module"}');
  return { app, installed };
}
