/** A PostgreSQL or Redis server that can be killed and restarted on the same port, with the same data or with other data. */
import type { RunningProcess } from '../../../dev/processes/child-process.ts';

interface RunningServer {
  readonly process: RunningProcess;
}

export interface KillableServerOptions {
  readonly name: string;
  /** The folder of its data. */
  readonly dataFolder: string;
  readonly launch: () => Promise<RunningServer>;
}

export class KillableServer {
  readonly name: string;
  readonly dataFolder: string;
  readonly #launch: () => Promise<RunningServer>;
  #server: RunningServer | undefined;

  constructor({ name, dataFolder, launch }: KillableServerOptions) {
    this.name = name;
    this.dataFolder = dataFolder;
    this.#launch = launch;
  }

  /** Starts the server unless it is running. Resolves when it accepts connections. */
  async start(): Promise<void> {
    if (!this.#server?.process.isRunning) this.#server = await this.#launch();
  }

  /** Kills the server with SIGKILL, without a clean shutdown. */
  async kill9(): Promise<void> {
    this.#server?.process.sendSignal('SIGKILL');
    await this.#server?.process.exited;
  }
}
