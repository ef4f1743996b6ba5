import type { StartProcess } from '../../../dev/processes/child-process.ts';

/** What starting a server needs. */
export interface NodeDeps {
  /** For the data of the servers. */
  readonly folder: string;
  readonly start: StartProcess;
  /** The path of redis-server. */
  readonly redisBinary: string;
}
