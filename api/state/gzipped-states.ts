/** Compresses states for responses: each once for all its readers, off the event loop, and only when a client accepts gzip. */
import { promisify } from 'node:util';
import { gzip, type ZlibOptions } from 'node:zlib';
import type { LoadedState } from './loading/loaded-state.ts';

const gzipInThread = promisify<Buffer, ZlibOptions, Buffer>(gzip);
const minBytes = 1024;

export class GzippedStates {
  /** Kept as long as the states themselves. */
  readonly #bodies = new WeakMap<LoadedState, Promise<Buffer>>();

  /** @returns undefined for a state that is too small */
  get(state: LoadedState): Promise<Buffer> | undefined {
    if (state.serialized.length < minBytes) return undefined;
    const known = this.#bodies.get(state);
    if (known) return known;
    const body = gzipInThread(state.serialized, { level: 1 });
    this.#bodies.set(state, body);
    return body;
  }
}
