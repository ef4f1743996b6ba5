/**
 * Restarts an API or a worker whenever it exits, as an orchestrator would, and reports every unexpected exit.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessOptions, RunningProcess, StartProcess } from '../../../dev/processes/child-process.ts';

const restartDelayMs = 300;

export class SupervisedProcess {
  readonly name: string;
  readonly #start: StartProcess;
  readonly #options: ProcessOptions;
  readonly #onUnexpectedExit: (exit: string) => void;
  #running: RunningProcess | undefined;
  #isExitExpected = false;
  #isReleased = false;

  constructor(options: ProcessOptions, start: StartProcess, onUnexpectedExit: (exit: string) => void) {
    this.name = options.name;
    this.#options = options;
    this.#start = start;
    this.#onUnexpectedExit = onUnexpectedExit;
  }

  get pid(): number {
    return this.#running?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#running?.isRunning ?? false;
  }

  async start(): Promise<void> {
    const running = await this.#start(this.#options);
    this.#running = running;
    void running.exited.then((exit) => this.#handleExit(exit));
  }

  /** Pauses or resumes the process. */
  send(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#running?.sendSignal(signal);
  }

  /** Terminates the process with a signal; it is then restarted. @returns its exit code or signal */
  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    this.#isExitExpected = true;
    const terminating = this.#running;
    terminating?.sendSignal(signal);
    return (await terminating?.exited) ?? 'not running';
  }

  /** Stops restarting the process. The stack stops the process itself. */
  release(): void {
    this.#isReleased = true;
  }

  async #handleExit(exit: string): Promise<void> {
    if (this.#isReleased) return;
    if (!this.#isExitExpected) this.#onUnexpectedExit(`${this.name} exited unexpectedly (${exit})`);
    this.#isExitExpected = false;
    await delay(restartDelayMs);
    if (!this.#isReleased) await this.start();
  }
}
