import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { withFolder } from '../../support/with-folder.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const biome = join(root, 'node_modules/.bin/biome');

/** Returns the lines of a source text that the linter refuses in a file of this path. */
async function refusedLines(t: Test, path: string, source: string): Promise<number[]> {
  const folder = await withFolder(t);
  cpSync(join(root, 'biome.json'), join(folder, 'biome.json'));
  cpSync(join(root, 'dev/lint'), join(folder, 'dev/lint'), { recursive: true });
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, path), source);
  const args = ['lint', '--reporter=github', '--vcs-enabled=false', '--diagnostic-level=error', path];
  const { stdout } = spawnSync(biome, args, { cwd: folder, encoding: 'utf8' });
  const lines = [...stdout.matchAll(/^::error .*?line=(\d+)/gm)].map(([, line]) => Number(line));
  return [...new Set(lines)].sort((a, b) => a - b);
}

const refused = [
  'export const power = Math.pow(2, x);',
  'export const exponential = Math.exp(x);',
  'export const sine = Math.sin(x);',
  'export const random = Math.random();',
  'export const { log } = Math;',
  'export const alias = Math;',
  'export const square = x ** 2;',
  'y **= 2;',
  'export const order = a.localeCompare(b);',
  'export const now = Date.now();',
  'export const bytes = Buffer.byteLength(a);',
];
const declarations = "const x = 3;\nconst [a, b] = ['a', 'b'];\nexport let y = 2;\n";

t.test('the linter refuses in the fold what differs between engines, or is not part of the log', async (t) => {
  const source = declarations + refused.join('\n');
  t.strictSame(
    await refusedLines(t, 'shared/field/sample.ts', source),
    refused.map((_, index) => index + 4),
  );
});

t.test('the linter allows functions that the language specifies exactly, and all functions elsewhere', async (t) => {
  const exact = `${declarations}export const exact = Math.min(x, Math.sqrt(Math.abs(x % 2))) + Math.PI;\ny += a < b ? 1 : 2;\n`;
  t.strictSame(await refusedLines(t, 'shared/field/sample.ts', exact), []);
  t.strictSame(await refusedLines(t, 'api/sample.ts', `export const sine = Math.sin(${Math.PI});\n`), []);
});
