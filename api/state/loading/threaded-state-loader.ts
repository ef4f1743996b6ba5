/**
 * Loads states in a thread of its own, so that the event loop, which serves all other clients, never parses, folds or renders a
 * state of megabytes. The thread is started when it is first needed and ends when it has been idle.
 */
import { Piscina } from 'piscina';
import { FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { entryPoint } from '../../../shared/process/package-files.ts';
import type { LoadedState } from './loaded-state.ts';
import type { LoadingResult, LoadingTask, LoadingThreadOptions } from './loading-thread.ts';
import type { StateLoader } from './state-loader.ts';

/** Tasks wait for PostgreSQL most of the time; a long one is done in slices, between which the others go on. */
const concurrentTasks = 4;
/** Starting the thread takes some tenths of a second, keeping it about 40 MB. */
const idleMs = 60_000;

type ThreadedStateLoaderOptions = Omit<LoadingThreadOptions, 'poolSize'>;

export class ThreadedStateLoader implements StateLoader {
  readonly #threads: Piscina<LoadingTask, LoadingResult>;

  constructor(options: ThreadedStateLoaderOptions) {
    const { href: filename } = entryPoint('api/state/loading/loading-thread');
    const workerData: LoadingThreadOptions = { ...options, poolSize: concurrentTasks };
    this.#threads = new Piscina({
      filename,
      // In a checkout the thread runs TypeScript.
      execArgv: filename.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [],
      minThreads: 0,
      maxThreads: 1,
      concurrentTasksPerWorker: concurrentTasks,
      idleTimeout: idleMs,
      // An idle thread must go on to handle the events of its connections.
      atomics: 'disabled',
      workerData,
    });
  }

  load(field: FieldId): Promise<LoadedState | undefined> {
    return this.#run({ field, version: undefined });
  }

  async loadAt(field: FieldId, version: number): Promise<LoadedState> {
    const state = await this.#run({ field, version });
    if (!state) throw new FieldError('field_not_found');
    return state;
  }

  /** Ends the thread; loads in progress are rejected. */
  close(): Promise<void> {
    return this.#threads.destroy();
  }

  async #run(task: LoadingTask): Promise<LoadedState | undefined> {
    const result = await this.#threads.run(task);
    if ('code' in result)
      throw new FieldError(result.code, result.detail === undefined ? {} : { detail: result.detail });
    return result.state && { ...result.state, serialized: toBuffer(result.state.serialized) };
  }
}

/** Between threads a Buffer becomes a Uint8Array over the same bytes. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
