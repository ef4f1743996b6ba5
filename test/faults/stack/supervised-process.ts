/**
 * An API or a worker under a supervisor that starts it again whenever it ends, as an orchestrator would. Remembers every
 * end that nobody had asked for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessSpec, RunningProcess, StartProcess } from '../../../dev/processes/child-process.ts';

const restartAfterMs = 300;

export class SupervisedProcess {
  readonly name: string;
  readonly #start: StartProcess;
  readonly #spec: ProcessSpec;
  readonly #onUnasked: (end: string) => void;
  #running: RunningProcess | undefined;
  #expectsEnd = false;
  #stopping = false;

  constructor(spec: ProcessSpec, start: StartProcess, onUnasked: (end: string) => void) {
    this.name = spec.name;
    this.#spec = spec;
    this.#start = start;
    this.#onUnasked = onUnasked;
  }

  get pid(): number {
    return this.#running?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#running?.running ?? false;
  }

  async start(): Promise<void> {
    const running = await this.#start(this.#spec);
    this.#running = running;
    void running.exited.then((end) => this.#ended(end));
  }

  /** Sends a signal that does not end it. */
  send(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#running?.send(signal);
  }

  /** Ends it with a signal, and says how it ended; the supervisor then starts it again. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    this.#expectsEnd = true;
    const ending = this.#running;
    ending?.send(signal);
    return (await ending?.exited) ?? 'not running';
  }

  /** No more restarts. The stack that started it stops it. */
  release(): void {
    this.#stopping = true;
  }

  async #ended(end: string): Promise<void> {
    if (this.#stopping) return;
    if (!this.#expectsEnd) this.#onUnasked(`${this.name} ended by itself (${end})`);
    this.#expectsEnd = false;
    await delay(restartAfterMs);
    if (!this.#stopping) await this.start();
  }
}
