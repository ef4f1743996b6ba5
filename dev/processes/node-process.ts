/** Runs TypeScript files of this project as child processes that end with this process. */
import { fileURLToPath } from 'node:url';
import type { ProcessOptions, RunningProcess, StartProcess } from './child-process.ts';

type NodeProcessOptions = Pick<ProcessOptions, 'name' | 'env' | 'output' | 'graceMs' | 'recordIn'> & {
  /** A URL from `import.meta.resolve`. */
  script: string;
  args?: readonly string[];
  imports?: readonly string[];
};

/** As in the Dockerfile: V8's default of four garbage collection threads per process would compete with the services for cores. */
export const v8Flags: readonly string[] = ['--v8-pool-size=1'];

const root = fileURLToPath(new URL('../..', import.meta.url));

export function buildNodeProcess({ script, args = [], imports = [], ...rest }: NodeProcessOptions): ProcessOptions {
  const loaders = [import.meta.resolve('tsx'), ...imports].flatMap((url) => ['--import', url]);
  return {
    ...rest,
    command: process.execPath,
    args: [...v8Flags, ...loaders, fileURLToPath(script), ...args],
    cwd: root,
    hasIpcChannel: true,
    stopSignal: 'SIGTERM',
  };
}

/** Starts the process that stops everything recorded in `runFolder` if this process is killed. Started first, it stops last. */
export function startOrphanReaper(start: StartProcess, runFolder: string): Promise<RunningProcess> {
  const script = import.meta.resolve('./orphan-reaper.ts');
  return start(
    buildNodeProcess({ name: 'guard', script, args: [runFolder], env: process.env, output: 'ignore', graceMs: 5000 }),
  );
}
