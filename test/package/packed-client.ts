/** The client's package as an app gets it. */
import { execFile, execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import about from '../../client/package.json' with { type: 'json' };
import { withPackedApp } from '../support/with-packed-app.ts';

const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
const { app, installed } = await withPackedApp(t, 'client', about.name);
await cp(fileURLToPath(new URL('packed-app', import.meta.url)), app, { recursive: true });
for (const name of ['react', 'react-dom']) await symlink(join(modules, name), join(app, 'node_modules', name));

const run = (...args: readonly string[]) => execFileSync(process.execPath, args, { cwd: app, encoding: 'utf8' });

t.test('an app can import every part of the client', async (t) => {
  const script = `
    import { createFieldClient } from 'consciousness-field-client';
    import { memoryStorage } from 'consciousness-field-client/storage/memory-storage';
    import { fileStorage } from 'consciousness-field-client/storage/file-storage';
    import { useConsciousnessBridge } from 'consciousness-field-client/react';
    await fileStorage('stored').set('key', 'value');
    const client = createFieldClient({ url: 'http://127.0.0.1:9', field: 'f', storage: memoryStorage() });
    client.setCells([{ x: 1, y: 2, value: 0.5 }]);
    console.log(JSON.stringify(client.state.cells), typeof useConsciousnessBridge);
  `;
  await writeFile(join(app, 'app.js'), script);
  t.equal(run('app.js'), '{"1,2":0.5} function\n');
});

t.test('tools that do not read exports find the same modules by their paths', async (t) => {
  const specifiers = Object.keys(about.exports).flatMap((specifier) =>
    specifier === '.' || specifier.includes('*') || specifier.endsWith('.json') ? [] : specifier.slice(2),
  );
  const storages = (await readdir(join(installed, 'dist/storage'))).filter((name) => name.endsWith('.js'));
  const paths = [...specifiers, ...storages.map((name) => `storage/${name.slice(0, -3)}`)];
  t.ok(paths.includes('react') && paths.includes('storage/memory-storage'));
  const script = `
    for (const path of ${JSON.stringify(paths)}) {
      const [byExports, byPath] = await Promise.all(['${about.name}/' + path, '${installed}/' + path + '.js'].map((url) => import(url)));
      if (Object.keys(byExports).some((name) => byExports[name] !== byPath[name])) throw new Error(path);
    }
    const main = await import('${installed}/${about.main}');
    console.log(typeof main.createFieldClient);
  `;
  t.equal(run('--input-type=module', '--eval', script), 'function\n');
});

t.test('the package contains the build and its documents, and no sources', async (t) => {
  const top = (await readdir(installed)).filter((name) => !/\.(js|d\.ts)$/.test(name)).sort();
  t.same(top, ['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json', 'storage']);
  const files = await readdir(installed, { recursive: true });
  t.same(
    files.filter((name) => /(?<!\.d)\.ts$/.test(name)),
    [],
  );
  t.notOk('dependencies' in about);
});

t.test('components are rendered on a server, in strict mode', async (t) => {
  t.match(run('render.mjs'), /^18\./);
});

/** Where TypeScript looks for modules, with the kind of modules that it then compiles. */
const resolutions = { bundler: 'esnext', node16: 'node16', nodenext: 'nodenext' } as const;
const compilers = { 5: 'typescript/lib/tsc.js', 7: 'typescript7/bin/tsc' } as const;

/** Apart from `skipLibCheck`, as strict as the compiler can be. */
const strictest = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noEmit: true,
  jsx: 'react-jsx',
  target: 'es2022',
  lib: ['es2022', 'dom'],
  types: [],
} as const;

async function compile(version: keyof typeof compilers, options: object): Promise<string> {
  const project = `tsconfig.${version}.${Object.values(options).join('.')}.json`;
  const files = ['types.ts', 'react.tsx'];
  await writeFile(join(app, project), JSON.stringify({ compilerOptions: { ...strictest, ...options }, files }));
  const args = [join(modules, compilers[version]), '-p', project];
  const done = await promisify(execFile)(process.execPath, args, { cwd: app }).catch((error) => error);
  return done.stdout;
}

/** @param name of the package with the types of React */
async function installReactTypes(name: string): Promise<void> {
  await mkdir(join(app, 'node_modules/@types'), { recursive: true });
  const needed = { [name]: '@types/react', csstype: 'csstype', '@types/prop-types': '@types/prop-types' };
  for (const [from, to] of Object.entries(needed)) {
    await cp(join(modules, from), join(app, 'node_modules', to), { recursive: true });
  }
}

for (const reactTypes of ['@types/react', 'react-19-types'] as const) {
  t.test(
    `with ${reactTypes} the types are right wherever modules are looked for, and wrong uses refused`,
    async (t) => {
      await installReactTypes(reactTypes);
      for (const [moduleResolution, module] of Object.entries(resolutions)) {
        for (const skipLibCheck of [true, false]) {
          const printed = await compile(7, { moduleResolution, module, skipLibCheck });
          t.equal(printed, '', `${moduleResolution}, skipLibCheck ${skipLibCheck}`);
        }
      }
    },
  );
}

t.test('the types are right for TypeScript 5, too', async (t) => {
  await installReactTypes('@types/react');
  t.equal(await compile(5, { moduleResolution: 'bundler', module: 'esnext', skipLibCheck: false }), '');
});
