/** Finds the test files that the arguments of `npm test` name. */
import { readdirSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/**
 * @param paths files, and folders for all `*.test.ts` in them
 * @returns paths from the working directory
 * @throws RangeError when there is no such file or no test in a folder
 */
export function findTestFiles(paths: readonly string[]): string[] {
  const files = paths.flatMap((path) => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) throw new RangeError(`${path} does not exist`);
    return stats.isDirectory() ? listTests(path) : [path];
  });
  return [...new Set(files.map((file) => relative('.', resolve(file))))].sort();
}

function listTests(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const tests = names.filter((name) => name.endsWith('.test.ts'));
  if (tests.length === 0) throw new RangeError(`${folder} contains no *.test.ts`);
  return tests.map((name) => join(folder, name));
}
