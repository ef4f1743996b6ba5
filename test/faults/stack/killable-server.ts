/** A PostgreSQL or Redis that can be killed and started again, on the same port with the same data. */
import type { RunningProcess } from '../../../dev/processes/child-process.ts';

interface RunningServer {
  readonly process: RunningProcess;
}

export class KillableServer {
  readonly name: string;
  readonly #launch: () => Promise<RunningServer>;
  #server: RunningServer | undefined;

  constructor(name: string, launch: () => Promise<RunningServer>) {
    this.name = name;
    this.#launch = launch;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    if (!this.#server?.process.isRunning) this.#server = await this.#launch();
  }

  /** SIGKILL: no goodbye, no last write. */
  async kill9(): Promise<void> {
    this.#server?.process.sendSignal('SIGKILL');
    await this.#server?.process.exited;
  }
}
