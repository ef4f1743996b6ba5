/**
 * An npm package as an app gets it: packed by npm and unpacked into `node_modules`. It is unpacked with tar, because
 * installing the servers' dependencies takes a minute; `.ci/package` installs packages by npm.
 */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { withFolder } from './with-folder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A copy of the checkout without what is generated, since `npm pack` replaces its build, and others may be replacing this one. */
async function withCheckout(t: Test): Promise<string> {
  const checkout = await withFolder(t);
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  for (const file of files.trim().split('\n')) {
    await mkdir(dirname(join(checkout, file)), { recursive: true });
    await copyFile(join(root, file), join(checkout, file));
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
