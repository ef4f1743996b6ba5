/**
 * Earlier states of fields (`?at=`). Each is folded from an archived snapshot and the log after it, in slices, so that the event
 * loop serves others meanwhile. The work is bounded, and shared by all who ask for the same state.
 */
import { LRUCache } from 'lru-cache';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { type SerializedState, serializeState } from '../../shared/cache/state-serializer.ts';
import { FieldError } from '../../shared/errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { TimeSlice } from '../validation/time-slice.ts';
import { queryOrUnavailable } from './state-reader.ts';

/** Two slow ones leave most of the time, and of the connections, to other requests. */
export const maxConcurrent = 2;
export const maxWaiting = 8;
/** Between two archived snapshots there are 5,000 updates by default. */
export const maxUpdates = 20_000;
/** Workers archive a snapshot after about 8 MiB of updates. Logs of earlier releases may have more without one. */
export const maxStoredBytes = 32 * 1024 * 1024;
/** Of the whole process: on a machine that is busy with other things, a fold may take longer. */
const maxCpuMs = 4000;
/** A page that shows history asks for the same versions again. A restore may end a history, so that results are kept for seconds. */
const cacheOptions = { maxSize: 32 * 1024 * 1024, ttl: 5000, sizeCalculation: sizeOf };

export class PastStates {
  readonly #reader: Pick<FieldReader, 'loadStateAt'>;
  readonly #results = new LRUCache<string, SerializedState>(cacheOptions);
  readonly #inFlight = new Map<string, Promise<SerializedState>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(reader: Pick<FieldReader, 'loadStateAt'>) {
    this.#reader = reader;
  }

  /**
   * @throws FieldError `replay_too_large`, `field_not_found`, `version_not_kept` or `version_ahead`, and `reads_unavailable` if too
   * many are being computed
   */
  async read(field: FieldId, version: number): Promise<SerializedState> {
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

  async #compute(field: FieldId, version: number): Promise<SerializedState> {
    await this.#enter();
    try {
      const state = await queryOrUnavailable(() => this.#reader.loadStateAt(field, version, createBounds()));
      return serializeState(toFragments(state));
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
      // Whoever leaves hands over its place.
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

function createBounds() {
  const slice = new TimeSlice();
  const startUsage = process.cpuUsage();
  return {
    checkCost({ updates, storedBytes }: { readonly updates: number; readonly storedBytes: number }): void {
      if (updates > maxUpdates || storedBytes > maxStoredBytes) throw createTooLargeError();
    },
    async onEntry(): Promise<void> {
      await slice.yieldIfUsedUp();
      const { user, system } = process.cpuUsage(startUsage);
      if ((user + system) / 1000 > maxCpuMs) throw createTooLargeError();
    },
  };
}

function createTooLargeError(): FieldError {
  return new FieldError('replay_too_large');
}

function sizeOf({ state }: SerializedState): number {
  return state.prefix.length + state.suffix.length + 1000;
}
