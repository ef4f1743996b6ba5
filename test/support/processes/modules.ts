/** What tests start as processes: the package as it is installed, which `npm test` builds (test/runner/build.ts). */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type EntryPoint, entryPoint, packageFile } from '../../../shared/process/package-files.ts';

/** Modules that only tests start. */
export const testProcesses = [
  'test/client/offline-writer',
  'test/legacy/original/original-server',
  'test/legacy/phones/phone',
  'test/support/processes/buffered-logger',
  'test/support/processes/lock-owner',
  'test/support/processes/supervisor',
  'test/workers/webhooks/receiver',
] as const;

/** Undefined in the long suites and the benchmarks, which run the TypeScript of the checkout. */
const build = process.env.TEST_BUILD;

/** A file of the installed package, for example `cli/field.mjs`. */
export function installedFile(path: string): URL {
  return build ? pathToFileURL(join(build, path)) : packageFile(path);
}

export function installedEntryPoint(name: EntryPoint): URL {
  return build ? installedFile(`dist/${name}.js`) : entryPoint(name);
}

/** @returns the path of the compiled module */
export function testProcess(name: (typeof testProcesses)[number]): string {
  return join(build ?? '', `${name}.js`);
}
