/**
 * Reads states: from this process's memory when the cache says it is current, from the cache, or from PostgreSQL when
 * the cache is cold or away. Whoever asks gets a state that is at least as new as the question, in the same bytes.
 */
import { LRUCache } from 'lru-cache';
import type { FieldReader } from '../../db/read/field-reader.ts';
import type { FieldCache } from '../../shared/cache/field-cache.ts';
import { cutState, type StatePieces } from '../../shared/cache/state-fragments.ts';
import { renderState, type StateText } from '../../shared/cache/state-serializer.ts';
import { FieldError } from '../../shared/errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { Coalescer } from './single-flight.ts';

const maxBytes = 64 * 1024 * 1024;
/** A field that was not there a moment ago is not looked for again at once; ids come from clients, so it is bounded. */
const missing = { max: 10_000, ttl: 1000 };

type CacheUse = 'hit' | 'miss' | 'bypass';

export interface ReadState {
  readonly version: number;
  readonly pieces: StatePieces;
  readonly text: StateText;
}

export interface StateAnswer {
  readonly state: ReadState;
  readonly cache: CacheUse;
}

interface StateReaderOptions {
  readonly cache: FieldCache;
  readonly reader: FieldReader;
  readonly log: Logger;
}

export class StateReader {
  readonly #cache: FieldCache;
  readonly #reader: FieldReader;
  readonly #log: Logger;
  readonly #states = new LRUCache<FieldId, ReadState>({ maxSize: maxBytes, sizeCalculation: sizeOf });
  readonly #missing = new LRUCache<FieldId, true>(missing);
  readonly #rounds = new Coalescer<FieldId, StateAnswer>((field) => this.#readNow(field));

  constructor({ cache, reader, log }: StateReaderOptions) {
    this.#cache = cache;
    this.#reader = reader;
    this.#log = log;
  }

  /** @throws FieldError `field_not_found`, or `reads_unavailable` when neither cache nor PostgreSQL answers. */
  read(field: FieldId): Promise<StateAnswer> {
    return this.#rounds.ask(field);
  }

  /** The state as it was. @throws FieldError `field_not_found`, `version_not_kept`, `version_ahead`, `reads_unavailable` */
  async readAt(field: FieldId, version: number): Promise<StateText> {
    return renderState(cutState(await askDatabase(() => this.#reader.loadStateAt(field, version))));
  }

  async #readNow(field: FieldId): Promise<StateAnswer> {
    const known = this.#states.get(field);
    try {
      const cached = await this.#cache.readNewer(field, known?.version);
      if (cached?.pieces) return { state: this.#remember(cached.pieces), cache: 'hit' };
      // A copy that is older than what was read before has missed something while the cache was away.
      if (known && cached?.version === known.version) return { state: known, cache: 'hit' };
    } catch (error) {
      this.#log.debug({ err: error, field }, 'cache not readable');
      return { state: await this.#readPast(field, known), cache: 'bypass' };
    }
    return { state: await this.#fill(field, known), cache: 'miss' };
  }

  async #fill(field: FieldId, known: ReadState | undefined): Promise<ReadState> {
    if (this.#missing.has(field)) throw new FieldError('field_not_found');
    try {
      const state = await this.#readPast(field, known);
      await this.#cache.fill(state.pieces).catch((error) => this.#log.debug({ err: error, field }, 'cache not filled'));
      return state;
    } catch (error) {
      if (error instanceof FieldError && error.code === 'field_not_found') this.#missing.set(field, true);
      throw error;
    }
  }

  /** From PostgreSQL, which is asked for the version alone when the rest may be known. */
  async #readPast(field: FieldId, known: ReadState | undefined): Promise<ReadState> {
    if (known && (await this.#isCurrent(known))) return known;
    const state = await askDatabase(() => this.#reader.loadState(field));
    if (!state) throw new FieldError('field_not_found');
    return this.#remember(cutState(state));
  }

  async #isCurrent({ pieces, version }: ReadState): Promise<boolean> {
    const page = await askDatabase(() => this.#reader.readLog(pieces.field, version, 1));
    return page?.version === version;
  }

  #remember(pieces: StatePieces): ReadState {
    const state = { version: pieces.version, pieces, text: renderState(pieces) };
    this.#states.set(pieces.field, state);
    return state;
  }
}

/** Asks PostgreSQL. @throws FieldError `reads_unavailable` when it does not answer. */
export async function askDatabase<Answer>(question: () => Promise<Answer>): Promise<Answer> {
  try {
    return await question();
  } catch (cause) {
    if (cause instanceof FieldError) throw cause;
    throw new FieldError('reads_unavailable', { retryAfterSeconds: 2, cause });
  }
}

/** The texts, about as much again for the pieces that they were put together from, and for the last answer. */
function sizeOf({ text }: ReadState): number {
  const { before, after } = text.state;
  return 3 * (before.length + after.length) + text.summary.after.length + 1000;
}
