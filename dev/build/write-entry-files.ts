/**
 * Writes a file for each entry point of the client's package, for tools that do not read `exports`: `react.js` beside
 * `package.json` for `consciousness-field-client/react`. Metro ignores `exports` before version 0.82, and later if configured to.
 */
import { writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** `exports` of a package.json whose entries have types. */
type Exports = Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;

/**
 * @param folder of the package
 * @param exports of its package.json
 * @param builtFiles all JavaScript files of the build, for patterns such as `./storage/*`
 * @returns the paths of the files, relative to the folder
 */
export async function writeEntryFiles(
  folder: string,
  exports: Exports,
  builtFiles: readonly string[],
): Promise<string[]> {
  const written: string[] = [];
  const write = async (path: string, target: string) => {
    const specifier = relative(dirname(path), target);
    await writeFile(
      join(folder, path),
      `export * from '${specifier.startsWith('.') ? specifier : `./${specifier}`}';\n`,
    );
    written.push(path);
  };
  for (const { path, types, code } of listEntries(exports, builtFiles)) {
    await write(`${path}.js`, code);
    await write(`${path}.d.ts`, types.replace(/\.d\.ts$/, '.js'));
  }
  return written;
}

interface Entry {
  /** Relative to the package's folder, without an extension: what an app appends to the package's name. */
  readonly path: string;
  readonly types: string;
  readonly code: string;
}

/** All entries except the main one, which `main` names. */
function listEntries(exports: Exports, builtFiles: readonly string[]): Entry[] {
  return Object.entries(exports).flatMap(([specifier, target]) => {
    if (specifier === '.' || typeof target === 'string') return [];
    const [start = '', end] = target.default.split('*');
    const names =
      end === undefined
        ? ['']
        : builtFiles
            .filter((file) => file.startsWith(start) && file.endsWith(end))
            .map((file) => file.slice(start.length, -end.length));
    return names.map((name) => {
      const fill = (pattern: string) => pattern.replace('*', name);
      return { path: fill(specifier).slice(2), types: fill(target.types), code: fill(target.default) };
    });
  });
}
