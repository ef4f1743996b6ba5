/**
 * Restarts an API or a worker whenever it exits, as an orchestrator would, and reports every unexpected exit. It can also be
 * suspended: stopped, and started again later.
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
  #isSuspended = false;
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

  /** @param change changes its options until it exits */
  async start(change: (options: ProcessOptions) => ProcessOptions = (options) => options): Promise<void> {
    this.#isSuspended = false;
    const running = await this.#start(change(this.#options));
    this.#running = running;
    void running.exited.then((exit) => this.#handleExit(exit));
  }

  /** Pauses or resumes the process. */
  send(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#running?.sendSignal(signal);
  }

  /** Terminates the process with a signal; it is then restarted unless it is suspended. @returns its exit code or signal */
  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    const terminating = this.#running;
    if (!terminating?.isRunning) return 'not running';
    this.#isExitExpected = true;
    terminating.sendSignal(signal);
    return terminating.exited;
  }

  /** Terminates the process with SIGTERM; `start` starts it again. @returns its exit code or signal */
  suspend(): Promise<string> {
    this.#isSuspended = true;
    return this.kill('SIGTERM');
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
    if (!this.#isReleased && !this.#isSuspended && !this.isRunning) await this.start();
  }
}
