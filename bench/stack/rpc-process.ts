/**
 * Child processes of the benchmarks, for baselines and load generators. A child handles calls over its IPC channel and
 * exits when the channel closes.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { v8Flags } from '../../dev/processes/node-process.ts';

type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

interface RpcRequest {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface RpcResponse {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** The parent's side: calls the handlers of a child process. */
export class RpcProcess<ChildHandlers extends Handlers> {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #lastId = 0;

  /** @param script a URL from `import.meta.resolve` */
  constructor(name: string, script: string) {
    this.name = name;
    this.#child = fork(fileURLToPath(script), {
      // The same V8 flags as the measured processes, so that results are comparable.
      execArgv: [...v8Flags, '--import', import.meta.resolve('tsx')],
      serialization: 'advanced',
      detached: true,
    });
    this.#child.on('message', (message) => this.#handleResponse(message as RpcResponse));
    this.#child.once('exit', (code, signal) => this.#rejectPending(new Error(`${name} exited (${signal ?? code})`)));
    this.#child.once('error', (error) => this.#rejectPending(error));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  call<Name extends keyof ChildHandlers & string>(
    name: Name,
    argument: Parameters<ChildHandlers[Name]>[0],
  ): Promise<Awaited<ReturnType<ChildHandlers[Name]>>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: (value) => resolve(value as Awaited<ReturnType<ChildHandlers[Name]>>), reject });
      this.#child.send({ id, name, argument } satisfies RpcRequest);
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await exited;
  }

  #handleResponse({ id, value, error }: RpcResponse): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve(value);
    else pending?.reject(new Error(`${this.name}: ${error}`));
  }

  #rejectPending(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/** The child's side: handles calls until the parent disconnects. */
export function serveRpc(handlers: Handlers): void {
  process.on('message', async ({ id, name, argument }: RpcRequest) => {
    try {
      const value = await handlers[name]?.(argument as never);
      process.send?.({ id, value } satisfies RpcResponse);
    } catch (error) {
      process.send?.({
        id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      } satisfies RpcResponse);
    }
  });
  process.on('disconnect', () => process.exit(0));
}
