/**
 * `npm run layout`: keeps the code base easy to navigate. At most 12 source files a folder, and at most 300 lines a source file;
 * tests may be longer. Prints every violation and exits with 1.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

const maxFilesPerFolder = 12;
const maxLinesPerFile = 300;
const exempt = /^(test\/(api|cli|client|db|dev|system|workers|unit)\/|db\/migrations\/)/;

const sources = execFileSync('git', [
  'ls-files',
  '--cached',
  '--others',
  '--exclude-standard',
  '*.ts',
  '*.tsx',
  '*.mjs',
  '*.py',
])
  .toString()
  .split('\n')
  .filter((path) => path !== '' && !exempt.test(path));

const filesPerFolder = new Map<string, number>();
for (const path of sources) filesPerFolder.set(dirname(path), (filesPerFolder.get(dirname(path)) ?? 0) + 1);

const violations = [
  ...[...filesPerFolder]
    .filter(([, count]) => count > maxFilesPerFolder)
    .map(
      ([folder, count]) =>
        `${folder}/ has ${count} source files; split it so that none has more than ${maxFilesPerFolder}`,
    ),
  ...sources
    .map((path) => ({ path, lines: readFileSync(path, 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > maxLinesPerFile)
    .map(({ path, lines }) => `${path} has ${lines} lines; split it so that none has more than ${maxLinesPerFile}`),
];
for (const violation of violations) console.error(violation);
process.exitCode = violations.length > 0 ? 1 : 0;
