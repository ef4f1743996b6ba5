/**
 * Reads states: from memory if the cache or PostgreSQL confirms that the cursor is current, else from the cache, else from
 * PostgreSQL. The bytes of a state do not depend on where it was read. The cache may be wrong: a worker could not reach it,
 * or it has come back as an older copy. So a read first compares the cached cursor with PostgreSQL's, unless that was done less
 * than 2 s ago: a copy of a history that has ended is not served, and one that is behind is deleted if it stays behind.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { FieldCache } from '../../shared/cache/field-cache.ts';
import { FieldError } from '../../shared/errors.ts';
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { createSparseCache } from '../../shared/process/sparse-cache.ts';
import { withTimeoutValue } from '../../shared/process/with-timeout.ts';
import { estimateStateSize, type LoadedState, toLoadedState } from './loading/loaded-state.ts';
import type { StateLoader } from './loading/state-loader.ts';
import { SingleFlight } from './single-flight.ts';

const maxCacheBytes = 64 * 1024 * 1024;
/** Negative results are cached, since clients can send arbitrary ids; the bound is for the same reason. */
const missingCacheOptions = { maxEntries: 10_000, ttl: 1000 };

const checkOptions = { maxEntries: 50_000, ttl: 2000 };
/** How long a read waits for the comparison. After a timeout reads do not wait until PostgreSQL has answered again. */
const checkTimeoutMs = 250;
/** How long the cache may be behind PostgreSQL before its copy is deleted. */
const publishGraceMs = 1000;

/** How the cache served a read: it was current, it had no copy, or it was unavailable. */
type CacheStatus = 'hit' | 'miss' | 'bypass';

export interface StateReadResult {
  readonly state: LoadedState;
  readonly cache: CacheStatus;
}

interface StateReaderDeps {
  readonly cache: FieldCache;
  readonly reader: Pick<FieldReader, 'readCursor'>;
  readonly loader: StateLoader;
  readonly log: Logger;
}

export class StateReader {
  readonly #cache: FieldCache;
  readonly #reader: StateReaderDeps['reader'];
  readonly #loader: StateLoader;
  readonly #log: Logger;
  readonly #states = new LRUCache<FieldId, LoadedState>({ maxSize: maxCacheBytes, sizeCalculation: estimateStateSize });
  /** The fields whose cached copies were compared with PostgreSQL a moment ago. */
  readonly #checks = createSparseCache<FieldId, true>(checkOptions);
  #isDatabaseSilent = false;
  readonly #missing = createSparseCache<FieldId, true>(missingCacheOptions);
  readonly #reads = new SingleFlight<FieldId, StateReadResult>((field) => this.#readNow(field));

  constructor({ cache, reader, loader, log }: StateReaderDeps) {
    this.#cache = cache;
    this.#reader = reader;
    this.#loader = loader;
    this.#log = log;
  }

  /** @throws FieldError `field_not_found`, or `reads_unavailable` when neither cache nor PostgreSQL answers. */
  read(field: FieldId): Promise<StateReadResult> {
    return this.#reads.run(field);
  }

  /** Reads the state from PostgreSQL. @throws FieldError `field_not_found` or `reads_unavailable` */
  async readConfirmed(field: FieldId): Promise<LoadedState> {
    const cached = await this.#cache.readCursor(field).catch(() => undefined);
    const state = await this.#readFromDatabase(field, this.#states.get(field));
    if (cached !== undefined && isRefuted(cached, state.cursor)) await this.#invalidate(field, cached);
    return state;
  }

  /** Call when a message about the field has arrived, perhaps before its state is in the cache. */
  markExisting(field: FieldId): void {
    this.#missing.delete(field);
  }

  async #readNow(field: FieldId): Promise<StateReadResult> {
    const known = this.#states.get(field);
    let cached: Awaited<ReturnType<FieldCache['readUnless']>>;
    try {
      cached = await this.#cache.readUnless(field, known?.cursor);
    } catch (error) {
      this.#log.debug({ err: error, field }, 'cache read failed');
      return { state: await this.#readFromDatabase(field, known), cache: 'bypass' };
    }
    if (!cached) return { state: await this.#loadAndCache(field, known), cache: 'miss' };
    if (await this.#isCopyRefuted(field, cached.cursor))
      return { state: await this.#loadAndCache(field, this.#states.get(field)), cache: 'miss' };
    // One of the two is outdated, or belongs to a history that has ended.
    if (known && isRefuted(known.cursor, cached.cursor))
      return { state: await this.readConfirmed(field), cache: 'miss' };
    if (cached.fragments) return { state: this.#memoize(toLoadedState(cached.fragments)), cache: 'hit' };
    if (known?.cursor === cached.cursor) return { state: known, cache: 'hit' };
    return { state: await this.#loadAndCache(field, known), cache: 'miss' };
  }

  async #loadAndCache(field: FieldId, known: LoadedState | undefined): Promise<LoadedState> {
    if (this.#missing.has(field)) throw new FieldError('field_not_found');
    const logFailure = (error: unknown) => this.#log.debug({ err: error, field }, 'cache write failed');
    try {
      const token = await this.#cache.beginFill(field).catch(logFailure);
      const state = await this.#readFromDatabase(field, known);
      if (token) await this.#cache.fill(token, state.fragments).catch(logFailure);
      this.#checks.set(field, true);
      return state;
    } catch (error) {
      if (error instanceof FieldError && error.code === 'field_not_found') this.#missing.set(field, true);
      throw error;
    }
  }

  /** Reads from PostgreSQL; only the cursor, if that shows that the state in memory is current. */
  async #readFromDatabase(field: FieldId, known: LoadedState | undefined): Promise<LoadedState> {
    if (known && (await queryOrUnavailable(() => this.#reader.readCursor(field))) === known.cursor) return known;
    const state = await queryOrUnavailable(() => this.#loader.load(field));
    if (!state) throw new FieldError('field_not_found');
    return this.#memoize(state);
  }

  /** Whether PostgreSQL has refuted a cached copy; false while it does not answer, or if it has confirmed it a moment ago. */
  async #isCopyRefuted(field: FieldId, cached: Cursor): Promise<boolean> {
    if (this.#checks.has(field)) return false;
    this.#checks.set(field, true);
    const check = this.#check(field, cached).catch((error) => {
      this.#log.debug({ err: error, field }, 'cache check failed');
      return false;
    });
    if (this.#isDatabaseSilent) return false;
    const isAnswered = check.then(() => true);
    this.#isDatabaseSilent = !(await withTimeoutValue(isAnswered, checkTimeoutMs, false));
    return this.#isDatabaseSilent ? false : check;
  }

  /** Compares a cached copy with PostgreSQL, and deletes it if it is refuted or stays behind. @returns whether it is refuted */
  async #check(field: FieldId, cached: Cursor): Promise<boolean> {
    const stored = await this.#reader.readCursor(field);
    this.#isDatabaseSilent = false;
    if (stored === cached) return false;
    if (stored === undefined || isRefuted(cached, stored)) {
      await this.#invalidate(field, cached);
      return true;
    }
    // PostgreSQL is ahead. That is normal for as long as it takes to publish a commit.
    void delay(publishGraceMs, undefined, { ref: false }).then(() => this.#invalidate(field, cached));
    return false;
  }

  /** Deletes the cached copy if it is still the given one. Never rejects: a copy that cannot be deleted now will be refuted again. */
  async #invalidate(field: FieldId, cached: Cursor): Promise<void> {
    if (this.#states.get(field)?.cursor === cached) this.#states.delete(field);
    await this.#cache
      .invalidate(field, cached)
      .catch((error) => this.#log.debug({ err: error, field }, 'cache invalidation failed'));
  }

  #memoize(state: LoadedState): LoadedState {
    this.#states.set(state.fragments.field, state);
    return state;
  }
}

/** Whether a cursor that was read before another one cannot be an earlier state of the same history. */
function isRefuted(before: Cursor, after: Cursor): boolean {
  return before !== after && versionOf(before) >= versionOf(after);
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
