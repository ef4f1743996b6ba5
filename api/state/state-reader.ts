/**
 * Reads states: from this process's memory when the cache says it is current, from the cache, or from PostgreSQL when
 * the cache is cold or away. Whoever asks gets a state that is at least as new as the question, in the same bytes.
 */
import { LRUCache } from 'lru-cache';
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { FieldCache } from '../../shared/cache/field-cache.ts';
import { type StateFragments, toFragments } from '../../shared/cache/state-fragments.ts';
import { type SerializedState, serializeState } from '../../shared/cache/state-serializer.ts';
import { FieldError } from '../../shared/errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { SingleFlight } from './single-flight.ts';

const maxCacheBytes = 64 * 1024 * 1024;
/** A field that was not there a moment ago is not looked for again at once; ids come from clients, so it is bounded. */
const missingCacheOptions = { max: 10_000, ttl: 1000 };

type CacheStatus = 'hit' | 'miss' | 'bypass';

export interface LoadedState {
  readonly version: number;
  readonly fragments: StateFragments;
  readonly serialized: SerializedState;
}

export interface StateReadResult {
  readonly state: LoadedState;
  readonly cache: CacheStatus;
}

interface StateReaderDeps {
  readonly cache: FieldCache;
  readonly reader: FieldReader;
  readonly log: Logger;
}

export class StateReader {
  readonly #cache: FieldCache;
  readonly #reader: FieldReader;
  readonly #log: Logger;
  readonly #states = new LRUCache<FieldId, LoadedState>({ maxSize: maxCacheBytes, sizeCalculation: estimateSize });
  readonly #missing = new LRUCache<FieldId, true>(missingCacheOptions);
  readonly #reads = new SingleFlight<FieldId, StateReadResult>((field) => this.#readNow(field));

  constructor({ cache, reader, log }: StateReaderDeps) {
    this.#cache = cache;
    this.#reader = reader;
    this.#log = log;
  }

  /** @throws FieldError `field_not_found`, or `reads_unavailable` when neither cache nor PostgreSQL answers. */
  read(field: FieldId): Promise<StateReadResult> {
    return this.#reads.run(field);
  }

  /** The state as it was. @throws FieldError `field_not_found`, `version_not_kept`, `version_ahead`, `reads_unavailable` */
  async readAt(field: FieldId, version: number): Promise<SerializedState> {
    return serializeState(toFragments(await queryOrUnavailable(() => this.#reader.loadStateAt(field, version))));
  }

  async #readNow(field: FieldId): Promise<StateReadResult> {
    const known = this.#states.get(field);
    try {
      const cached = await this.#cache.readNewer(field, known?.version);
      if (cached?.fragments) return { state: this.#memoize(cached.fragments), cache: 'hit' };
      // A copy that is older than what was read before has missed something while the cache was away.
      if (known && cached?.version === known.version) return { state: known, cache: 'hit' };
    } catch (error) {
      this.#log.debug({ err: error, field }, 'cache not readable');
      return { state: await this.#readFromDatabase(field, known), cache: 'bypass' };
    }
    return { state: await this.#loadAndCache(field, known), cache: 'miss' };
  }

  async #loadAndCache(field: FieldId, known: LoadedState | undefined): Promise<LoadedState> {
    if (this.#missing.has(field)) throw new FieldError('field_not_found');
    try {
      const state = await this.#readFromDatabase(field, known);
      await this.#cache
        .populate(state.fragments)
        .catch((error) => this.#log.debug({ err: error, field }, 'cache not filled'));
      return state;
    } catch (error) {
      if (error instanceof FieldError && error.code === 'field_not_found') this.#missing.set(field, true);
      throw error;
    }
  }

  /** From PostgreSQL, which is asked for the version alone when the rest may be known. */
  async #readFromDatabase(field: FieldId, known: LoadedState | undefined): Promise<LoadedState> {
    if (known && (await this.#isCurrent(known))) return known;
    const state = await queryOrUnavailable(() => this.#reader.loadState(field));
    if (!state) throw new FieldError('field_not_found');
    return this.#memoize(toFragments(state));
  }

  async #isCurrent({ fragments, version }: LoadedState): Promise<boolean> {
    const page = await queryOrUnavailable(() => this.#reader.readLog(fragments.field, version, 1));
    return page?.version === version;
  }

  #memoize(fragments: StateFragments): LoadedState {
    const state = { version: fragments.version, fragments, serialized: serializeState(fragments) };
    this.#states.set(fragments.field, state);
    return state;
  }
}

/** Asks PostgreSQL. @throws FieldError `reads_unavailable` when it does not answer. */
export async function queryOrUnavailable<Result>(query: () => Promise<Result>): Promise<Result> {
  try {
    return await query();
  } catch (cause) {
    if (cause instanceof FieldError) throw cause;
    throw new FieldError('reads_unavailable', { retryAfterSeconds: 2, cause });
  }
}

/** The texts, about as much again for the pieces that they were put together from, and for the last answer. */
function estimateSize({ serialized }: LoadedState): number {
  const { prefix, suffix } = serialized.state;
  return 3 * (prefix.length + suffix.length) + serialized.summary.suffix.length + 1000;
}
