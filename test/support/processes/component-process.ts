/** Describes an API or a worker as a child process, for the test suites and the benchmarks. */
import type { ProcessOptions } from '../../../dev/processes/child-process.ts';
import { buildNodeProcess } from '../../../dev/processes/node-process.ts';
import { installedEntryPoint } from './modules.ts';

export type Component = 'api' | 'workers';

type ComponentProcessOptions = Pick<ProcessOptions, 'env' | 'output' | 'graceMs' | 'recordIn'> & {
  readonly component: Component;
  /** Distinguishes several processes of one component. Default: the component. */
  readonly name?: string;
  /** URLs of modules that the process loads first. */
  readonly preloads?: readonly string[];
};

/** The process exits when this process does, even if this process is killed. */
export function buildComponentProcess(options: ComponentProcessOptions): ProcessOptions {
  const { component, name = component, preloads = [], ...rest } = options;
  const script = installedEntryPoint(`${component}/main`).href;
  const exitWithParent = installedEntryPoint('dev/processes/exit-with-parent').href;
  return buildNodeProcess({ ...rest, name, script, imports: [exitWithParent, ...preloads] });
}
