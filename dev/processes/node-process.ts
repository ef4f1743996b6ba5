/** Runs entry points of this project, TypeScript or compiled, as child processes that end with this process. */
import { fileURLToPath } from 'node:url';
import { entryPoint, packageFile } from '../../shared/process/package-files.ts';
import type { ProcessOptions, RunningProcess, StartProcess } from './child-process.ts';

type NodeProcessOptions = Pick<ProcessOptions, 'name' | 'env' | 'output' | 'graceMs' | 'recordIn'> & {
  /** A `file:` URL. */
  script: string;
  args?: readonly string[];
  imports?: readonly string[];
};

/** As in the Dockerfile: V8's default of four garbage collection threads per process would compete with the services for cores. */
export const v8Flags: readonly string[] = ['--v8-pool-size=1'];

export function buildNodeProcess({ script, args = [], imports = [], ...rest }: NodeProcessOptions): ProcessOptions {
  const loader = script.endsWith('.ts') ? [import.meta.resolve('tsx')] : [];
  const preloads = [...loader, ...imports].flatMap((url) => ['--import', url]);
  return {
    ...rest,
    command: process.execPath,
    args: [...v8Flags, ...preloads, fileURLToPath(script), ...args],
    cwd: fileURLToPath(packageFile('.')),
    hasIpcChannel: true,
    stopSignal: 'SIGTERM',
  };
}

/** Starts the process that stops everything recorded in `runFolder` if this process is killed. Started first, it stops last. */
export function startOrphanReaper(start: StartProcess, runFolder: string): Promise<RunningProcess> {
  const script = entryPoint('dev/processes/orphan-reaper').href;
  return start(
    buildNodeProcess({ name: 'guard', script, args: [runFolder], env: process.env, output: 'ignore', graceMs: 5000 }),
  );
}
