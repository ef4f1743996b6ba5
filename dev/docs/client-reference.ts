/** Writes the reference of the client's package from the types and comments of the modules that apps import. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Application, Converter, LogLevel } from 'typedoc';
import { packageFile } from '../../shared/process/package-files.ts';
import { clientEntries } from '../build/build-client.ts';

export const clientReferenceFolder = 'docs/client';

/** @throws when a comment does not match its code, or a link has no target */
export async function writeClientReference(folder: string): Promise<void> {
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: clientEntries.map((entry) => fileURLToPath(packageFile(`client/${entry}.ts`))),
    tsconfig: fileURLToPath(packageFile('tsconfig.client.json')),
    name: 'consciousness-field-client',
    router: 'module',
    readme: 'none',
    logLevel: LogLevel.Warn,
    treatWarningsAsErrors: true,
    // Types of an app's own objects, such as its AsyncStorage, are described where they are needed.
    validation: { notExported: false },
    ...{ hideBreadcrumbs: true, hidePageHeader: true, useCodeBlocks: true },
    disableSources: true,
    outputs: [{ name: 'markdown', path: folder }],
  });
  const names = readModuleNames();
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) module.name = names.get(module.name) ?? module.name;
  });
  const project = await app.convert();
  if (!project || app.logger.hasErrors()) throw new Error('The reference cannot be made: see above.');
  await app.generateOutputs(project);
  app.validate(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('The reference has faults: see above.');
}

/** The part of an import after the package's name, by the path of the module. */
function readModuleNames(): ReadonlyMap<string, string> {
  const { exports } = JSON.parse(readFileSync(packageFile('client/package.json'), 'utf8')) as {
    exports: Record<string, { default: string }>;
  };
  return new Map(
    Object.entries(exports).flatMap(([specifier, target]) => {
      const [, path] = /^\.\/dist\/(.*)\.js$/.exec(target.default ?? '') ?? [];
      return path && !path.includes('*') ? [[path, specifier === '.' ? 'client' : specifier.slice(2)]] : [];
    }),
  );
}
