/**
 * Reads states: from memory if the cache or PostgreSQL confirms that the version is current, else from the cache, else from
 * PostgreSQL. A state is at least as new as the call that reads it, and its bytes do not depend on where it was read.
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
/** Negative results are cached, since clients can send arbitrary ids; the bound is for the same reason. */
const missingCacheOptions = { max: 10_000, ttl: 1000 };

/** How the cache served a read: it was current, it had no copy, or it was unavailable. */
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

  /** The state at an earlier version. @throws FieldError `field_not_found`, `version_not_kept`, `version_ahead`, `reads_unavailable` */
  async readAt(field: FieldId, version: number): Promise<SerializedState> {
    return serializeState(toFragments(await queryOrUnavailable(() => this.#reader.loadStateAt(field, version))));
  }

  async #readNow(field: FieldId): Promise<StateReadResult> {
    const known = this.#states.get(field);
    try {
      const cached = await this.#cache.readNewer(field, known?.version);
      if (cached?.fragments) return { state: this.#memoize(cached.fragments), cache: 'hit' };
      // A copy that is older than the state in memory missed commits while the cache was unavailable.
      if (known && cached?.version === known.version) return { state: known, cache: 'hit' };
    } catch (error) {
      this.#log.debug({ err: error, field }, 'cache read failed');
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
        .catch((error) => this.#log.debug({ err: error, field }, 'cache write failed'));
      return state;
    } catch (error) {
      if (error instanceof FieldError && error.code === 'field_not_found') this.#missing.set(field, true);
      throw error;
    }
  }

  /** Reads from PostgreSQL; only the version, if that shows that the state in memory is current. */
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

/** Runs a query. @throws FieldError `reads_unavailable` when PostgreSQL does not answer; other field errors as they are */
export async function queryOrUnavailable<Result>(query: () => Promise<Result>): Promise<Result> {
  try {
    return await query();
  } catch (cause) {
    if (cause instanceof FieldError) throw cause;
    throw new FieldError('reads_unavailable', { retryAfterSeconds: 2, cause });
  }
}

/** Bytes: the serialized state, and about as much for each of its fragments and the last rendered response. */
function estimateSize({ serialized }: LoadedState): number {
  const { prefix, suffix } = serialized.state;
  return 3 * (prefix.length + suffix.length) + serialized.summary.suffix.length + 1000;
}
