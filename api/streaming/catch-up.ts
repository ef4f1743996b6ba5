/**
 * What readers of one field are brought up to date with: its state, snapshots of it, and healing deltas that lead to it.
 * Each is made once for all who need the same. When many reconnect, that is most of them.
 */
import { LRUCache } from 'lru-cache';
import type { FieldReader } from '../../db/read/field-reader.ts';
import { cutState } from '../../shared/cache/state-fragments.ts';
import { joinText, renderState } from '../../shared/cache/state-serializer.ts';
import { FieldError } from '../../shared/errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { createFieldState } from '../../shared/field/state.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { Presence } from '../state/presence.ts';
import type { ReadState, StateReader } from '../state/state-reader.ts';
import { createHealingDelta } from './gap-fill.ts';
import { StreamMessage } from './stream-message.ts';

export interface CatchUpSources {
  readonly states: StateReader;
  readonly reader: FieldReader;
  readonly presence: Presence;
  readonly log: Logger;
}

export class CatchUpSource {
  readonly #field: FieldId;
  readonly #sources: CatchUpSources;
  readonly #deltas = new LRUCache<string, Promise<StreamMessage | undefined>>({ max: 32, ttl: 5000 });
  #snapshot: { state: ReadState; activeNodes: number; message: StreamMessage } | undefined;

  constructor(field: FieldId, sources: CatchUpSources) {
    this.#field = field;
    this.#sources = sources;
  }

  /** The state as it is now; that of a field without updates is empty. @throws FieldError `reads_unavailable` */
  async readState(): Promise<ReadState> {
    try {
      return (await this.#sources.states.read(this.#field)).state;
    } catch (error) {
      if (!(error instanceof FieldError) || error.code !== 'field_not_found') throw error;
      return emptyState(this.#field);
    }
  }

  async makeSnapshot(state: ReadState): Promise<StreamMessage> {
    const activeNodes = await this.#sources.presence.count(this.#field);
    const known = this.#snapshot;
    if (known?.state === state && known.activeNodes === activeNodes) return known.message;
    const text = Buffer.concat([
      Buffer.from(`{"type":"snapshot","version":${state.version},"state":`),
      joinText(state.text.state, activeNodes),
      Buffer.from('}'),
    ]);
    const message = new StreamMessage('snapshot', text, state.version);
    this.#snapshot = { state, activeNodes, message };
    return message;
  }

  /** One delta from an older version to `state`; undefined when only a snapshot can tell. */
  makeDelta(from: number, { pieces, version }: ReadState): Promise<StreamMessage | undefined> {
    const { reader, log } = this.#sources;
    const name = `${from} ${version}`;
    const known = this.#deltas.get(name);
    if (known) return known;
    const delta = createHealingDelta(reader, pieces, from).catch((error) => {
      // PostgreSQL is away, and the state came from the cache: a snapshot needs no log.
      log.debug({ err: error, field: this.#field }, 'log not readable');
      return undefined;
    });
    this.#deltas.set(name, delta);
    return delta;
  }
}

function emptyState(field: FieldId): ReadState {
  const pieces = cutState(createFieldState(field));
  return { version: 0, pieces, text: renderState(pieces) };
}
