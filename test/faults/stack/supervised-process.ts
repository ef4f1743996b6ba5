/**
 * An API or a worker under a supervisor that starts it again whenever it ends, as an orchestrator would. Remembers every
 * end that nobody had asked for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessOptions, RunningProcess, StartProcess } from '../../../dev/processes/child-process.ts';

const restartDelayMs = 300;

export class SupervisedProcess {
  readonly name: string;
  readonly #start: StartProcess;
  readonly #spec: ProcessOptions;
  readonly #onUnexpectedExit: (kill: string) => void;
  #running: RunningProcess | undefined;
  #isExitExpected = false;
  #isReleased = false;

  constructor(spec: ProcessOptions, start: StartProcess, onUnexpectedExit: (end: string) => void) {
    this.name = spec.name;
    this.#spec = spec;
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
    const running = await this.#start(this.#spec);
    this.#running = running;
    void running.exited.then((end) => this.#handleExit(end));
  }

  /** Sends a signal that does not end it. */
  send(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#running?.sendSignal(signal);
  }

  /** Ends it with a signal, and says how it ended; the supervisor then starts it again. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    this.#isExitExpected = true;
    const ending = this.#running;
    ending?.sendSignal(signal);
    return (await ending?.exited) ?? 'not running';
  }

  /** No more restarts. The stack that started it stops it. */
  release(): void {
    this.#isReleased = true;
  }

  async #handleExit(end: string): Promise<void> {
    if (this.#isReleased) return;
    if (!this.#isExitExpected) this.#onUnexpectedExit(`${this.name} ended by itself (${end})`);
    this.#isExitExpected = false;
    await delay(restartDelayMs);
    if (!this.#isReleased) await this.start();
  }
}
