/**
 * Creates the messages that bring subscribers of one field up to date: snapshots of its state, and gap-fill deltas that
 * lead to it. Subscribers with the same cursor share one message: when many clients reconnect, most of them need the
 * same.
 */
import { LRUCache } from 'lru-cache';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import type { SnapshotReason } from '../../shared/contract/messages.ts';
import { FieldError } from '../../shared/errors.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { createFieldState } from '../../shared/field/state.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { type LoadedState, toLoadedState } from '../state/loading/loaded-state.ts';
import type { StateReader } from '../state/state-reader.ts';
import { createGapFillDelta, type NoDelta } from './gap-fill.ts';
import { StreamMessage } from './stream-message.ts';

export interface CatchUpDeps {
  readonly states: StateReader;
  readonly reader: FieldReader;
  readonly log: Logger;
}

export class CatchUp {
  readonly #field: FieldId;
  readonly #deps: CatchUpDeps;
  readonly #deltas = new LRUCache<string, Promise<StreamMessage | NoDelta>>({ max: 32, ttl: 5000 });
  #snapshots: { state: LoadedState; messages: Map<SnapshotReason, StreamMessage> } | undefined;

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

  async #orEmpty(read: () => Promise<LoadedState>): Promise<LoadedState> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof FieldError) || error.code !== 'field_not_found') throw error;
      return createEmptyState(this.#field);
    }
  }

  createSnapshot(state: LoadedState, reason: SnapshotReason): StreamMessage {
    if (this.#snapshots?.state !== state) this.#snapshots = { state, messages: new Map() };
    const { messages } = this.#snapshots;
    const known = messages.get(reason);
    if (known) return known;
    const text = Buffer.concat([
      Buffer.from(`{"type":"snapshot","cursor":"${state.cursor}","reason":"${reason}","state":`),
      state.serialized,
      Buffer.from('}'),
    ]);
    const message = new StreamMessage('snapshot', text, state.cursor);
    messages.set(reason, message);
    return message;
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
      return 'gap';
    });
    this.#deltas.set(cacheKey, delta);
    return delta;
  }
}

function createEmptyState(field: FieldId): LoadedState {
  return toLoadedState(toFragments(createFieldState(field)));
}
