/**
 * Creates the messages that bring subscribers of one field up to date: snapshots of its state, and gap-fill deltas that
 * lead to it. Subscribers with the same version share one message: when many clients reconnect, most of them need the
 * same.
 */
import { LRUCache } from 'lru-cache';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { toFragments } from '../../shared/cache/state-fragments.ts';
import { renderBody, serializeState } from '../../shared/cache/state-serializer.ts';
import { FieldError } from '../../shared/errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { createFieldState } from '../../shared/field/state.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { Presence } from '../state/presence.ts';
import type { LoadedState, StateReader } from '../state/state-reader.ts';
import { createGapFillDelta } from './gap-fill.ts';
import { StreamMessage } from './stream-message.ts';

export interface CatchUpDeps {
  readonly states: StateReader;
  readonly reader: FieldReader;
  readonly presence: Presence;
  readonly log: Logger;
}

export class CatchUp {
  readonly #field: FieldId;
  readonly #deps: CatchUpDeps;
  readonly #deltas = new LRUCache<string, Promise<StreamMessage | undefined>>({ max: 32, ttl: 5000 });
  #snapshot: { state: LoadedState; activeNodes: number; message: StreamMessage } | undefined;

  constructor(field: FieldId, deps: CatchUpDeps) {
    this.#field = field;
    this.#deps = deps;
  }

  /** The current state; an empty one for a field without updates. @throws FieldError `reads_unavailable` */
  async readState(): Promise<LoadedState> {
    try {
      return (await this.#deps.states.read(this.#field)).state;
    } catch (error) {
      if (!(error instanceof FieldError) || error.code !== 'field_not_found') throw error;
      return createEmptyState(this.#field);
    }
  }

  async createSnapshot(state: LoadedState): Promise<StreamMessage> {
    const activeNodes = await this.#deps.presence.count(this.#field);
    const known = this.#snapshot;
    if (known?.state === state && known.activeNodes === activeNodes) return known.message;
    const text = Buffer.concat([
      Buffer.from(`{"type":"snapshot","version":${state.version},"state":`),
      renderBody(state.serialized.state, activeNodes),
      Buffer.from('}'),
    ]);
    const message = new StreamMessage('snapshot', text, state.version);
    this.#snapshot = { state, activeNodes, message };
    return message;
  }

  /** One delta from an older version to `state`; undefined when a snapshot must be sent instead. */
  createDelta(from: number, { fragments, version }: LoadedState): Promise<StreamMessage | undefined> {
    const { reader, log } = this.#deps;
    const cacheKey = `${from} ${version}`;
    const known = this.#deltas.get(cacheKey);
    if (known) return known;
    const delta = createGapFillDelta(reader, fragments, from).catch((error) => {
      // PostgreSQL is unavailable and the state came from the cache. A snapshot does not need the log.
      log.debug({ err: error, field: this.#field }, 'log read failed; sending a snapshot');
      return undefined;
    });
    this.#deltas.set(cacheKey, delta);
    return delta;
  }
}

function createEmptyState(field: FieldId): LoadedState {
  const fragments = toFragments(createFieldState(field));
  return { version: 0, fragments, serialized: serializeState(fragments) };
}
