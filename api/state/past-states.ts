/**
 * Earlier states of fields (`?at=`). Each is folded from an archived snapshot and the log after it. The work is bounded, and
 * shared by all requests for the same state.
 */
import { LRUCache } from 'lru-cache';
import { FieldError } from '../../shared/errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { estimateStateSize, type LoadedState } from './loading/loaded-state.ts';
import type { StateLoader } from './loading/state-loader.ts';
import { queryOrUnavailable } from './state-reader.ts';

/** Leaves the other slots of the loader to current states. */
export const maxConcurrent = 2;
export const maxWaiting = 8;
/** A page that shows history requests the same versions again. A restore may end a history, so results are only kept for seconds. */
const cacheOptions = { maxSize: 32 * 1024 * 1024, ttl: 5000, sizeCalculation: estimateStateSize };

export class PastStates {
  readonly #loader: StateLoader;
  readonly #results = new LRUCache<string, LoadedState>(cacheOptions);
  readonly #inFlight = new Map<string, Promise<LoadedState>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(loader: StateLoader) {
    this.#loader = loader;
  }

  /**
   * @throws FieldError `replay_too_large`, `field_not_found`, `version_not_kept` or `version_ahead`, and `reads_unavailable` if too
   * many are being computed
   */
  async read(field: FieldId, version: number): Promise<LoadedState> {
    const key = `${version} ${field}`;
    const known = this.#results.get(key) ?? this.#inFlight.get(key);
    if (known) return known;
    const result = this.#compute(field, version);
    this.#inFlight.set(key, result);
    try {
      const state = await result;
      this.#results.set(key, state);
      return state;
    } finally {
      this.#inFlight.delete(key);
    }
  }

  async #compute(field: FieldId, version: number): Promise<LoadedState> {
    await this.#enter();
    try {
      return await queryOrUnavailable(() => this.#loader.loadAt(field, version));
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running >= maxConcurrent) {
      if (this.#waiting.length >= maxWaiting) {
        const detail = 'Too many earlier states are being computed';
        throw new FieldError('reads_unavailable', { detail, retryAfterSeconds: 2 });
      }
      // `#leave` hands its slot to the first waiting call, without changing `#running`.
      return new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running += 1;
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running -= 1;
  }
}
