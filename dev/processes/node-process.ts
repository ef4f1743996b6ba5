/** How the TypeScript files of this project are run as processes that end when we do. */
import { fileURLToPath } from 'node:url';
import type { ProcessOptions, RunningProcess, StartProcess } from './child-process.ts';

type NodeProcessOptions = Pick<ProcessOptions, 'name' | 'env' | 'output' | 'graceMs' | 'recordIn'> & {
  /** A URL that `import.meta.resolve` gave. */
  script: string;
  args?: readonly string[];
  imports?: readonly string[];
};

/** As in the Dockerfile: V8 starts four helpers for its garbage in each process, and they take the cores from who answers. */
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

/** Starts the process that stops what is recorded in `runFolder` should we be killed. Start it first: it stops last. */
export function startOrphanReaper(start: StartProcess, runFolder: string): Promise<RunningProcess> {
  const script = import.meta.resolve('./orphan-reaper.ts');
  return start(
    buildNodeProcess({ name: 'guard', script, args: [runFolder], env: process.env, output: 'ignore', graceMs: 5000 }),
  );
}
