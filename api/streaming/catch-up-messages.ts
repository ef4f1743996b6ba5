/**
 * Creates the messages that bring subscribers of one field up to date: snapshots of its state, and gap-fill deltas that
 * lead to it. Subscribers with the same cursor share one message: when many clients reconnect, most of them need the
 * same.
 */
import { LRUCache } from 'lru-cache';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { serializeState } from '../../shared/cache/state-serializer.ts';
import type { SnapshotReason } from '../../shared/contract/messages.ts';
import { FieldError } from '../../shared/errors.ts';
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { type Region, regionKey } from '../../shared/field/math/region.ts';
import { createFieldState } from '../../shared/field/state.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { type LoadedState, toLoadedState } from '../state/loading/loaded-state.ts';
import type { StateReader } from '../state/state-reader.ts';
import { createGapFillDelta, type NoDelta } from './gap-fill.ts';
import { clipState } from './regions/clip-state.ts';
import { SharedMessage, StreamMessage } from './stream-message.ts';
import type { Subscriber } from './subscriber.ts';

export interface CatchUpDeps {
  readonly states: StateReader;
  readonly reader: FieldReader;
  readonly log: Logger;
}

/** The maximum number of cached snapshots of one state, for different reasons and regions. */
const maxSnapshots = 16;
/** Subscribers that reconnect together, such as after a restart of the API, have few cursors. */
const deltaCacheOptions = { max: 32, ttl: 5000 };

export class CatchUp {
  readonly #field: FieldId;
  readonly #deps: CatchUpDeps;
  readonly #deltas = new LRUCache<string, Promise<StreamMessage | NoDelta>>(deltaCacheOptions);
  #snapshots: { state: LoadedState; messages: LRUCache<string, StreamMessage> } | undefined;

  constructor(field: FieldId, deps: CatchUpDeps) {
    this.#field = field;
    this.#deps = deps;
  }

  /** The current state; an empty one for a field without updates. @throws FieldError `reads_unavailable` */
  async readState(): Promise<LoadedState> {
    return this.#orEmpty(async () => (await this.#deps.states.read(this.#field)).state);
  }

  /** The state that PostgreSQL has. @throws FieldError `reads_unavailable` */
  async readConfirmedState(): Promise<LoadedState> {
    return this.#orEmpty(() => this.#deps.states.readConfirmed(this.#field));
  }

  /**
   * The message that leads a subscriber to a state; undefined when it is ahead of the state.
   * @param isContinued whether the newest state is known to continue the subscriber's
   * @throws FieldError `reads_unavailable`, or what the reader throws
   */
  async createCatchUp(
    { cursor: from, region, snapshotReason }: Subscriber,
    state: LoadedState,
    isContinued: boolean,
  ): Promise<StreamMessage | undefined> {
    if (from === undefined) return this.#createSnapshot(state, 'start', region);
    // A delta from the log is of the whole field.
    const reason = snapshotReason ?? (region ? 'gap' : undefined);
    if (reason !== undefined && versionOf(from) <= state.version) {
      const isKnown = isContinued || (await this.#isKnown(from));
      if (isKnown !== false) return this.#createSnapshot(state, isKnown ? reason : 'gap', region);
    } else if (versionOf(from) < state.version) {
      const delta = await this.createDelta(from, state);
      if (delta instanceof StreamMessage) return delta;
      if (delta === 'gap') return this.#createSnapshot(state, 'gap', region);
    } else if (await this.#deps.reader.hasCursor(this.#field, from)) return undefined;
    return this.#createSnapshot(await this.readConfirmedState(), 'unknown-cursor', region);
  }

  /** One delta from an earlier cursor to `state`, or why there is none. */
  createDelta(from: Cursor, { fragments, cursor }: LoadedState): Promise<StreamMessage | NoDelta> {
    const { reader, log } = this.#deps;
    const cacheKey = `${from} ${cursor}`;
    const known = this.#deltas.get(cacheKey);
    if (known) return known;
    const delta = createGapFillDelta(reader, fragments, from).catch((error): NoDelta => {
      // PostgreSQL is unavailable and the state came from the cache. A snapshot does not need the log.
      log.debug({ err: error, field: this.#field }, 'log read failed; sending a snapshot');
      this.#deltas.delete(cacheKey);
      return 'gap';
    });
    this.#deltas.set(cacheKey, delta);
    return delta;
  }

  async #orEmpty(read: () => Promise<LoadedState>): Promise<LoadedState> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof FieldError) || error.code !== 'field_not_found') throw error;
      return createEmptyState(this.#field);
    }
  }

  /** Whether the log has a cursor; undefined while PostgreSQL does not answer. */
  async #isKnown(cursor: Cursor): Promise<boolean | undefined> {
    return this.#deps.reader.hasCursor(this.#field, cursor).catch(() => undefined);
  }

  /** @param region undefined for the whole state */
  #createSnapshot(state: LoadedState, reason: SnapshotReason, region: Region | undefined): StreamMessage {
    if (this.#snapshots?.state !== state) this.#snapshots = { state, messages: new LRUCache({ max: maxSnapshots }) };
    const { messages } = this.#snapshots;
    const key = `${reason} ${region ? regionKey(region) : ''}`;
    const known = messages.get(key);
    if (known) return known;
    const text = Buffer.concat([
      Buffer.from(`{"type":"snapshot","cursor":"${state.cursor}","reason":"${reason}","state":`),
      region ? serializeState(clipState(state.fragments, region)) : state.serialized,
      Buffer.from('}'),
    ]);
    const message = new SharedMessage('snapshot', text, state.cursor);
    messages.set(key, message);
    return message;
  }
}

function createEmptyState(field: FieldId): LoadedState {
  return toLoadedState(toFragments(createFieldState(field)));
}
