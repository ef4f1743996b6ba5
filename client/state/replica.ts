/** The local copy of the field: the server's state, advanced by its messages, with pending own updates on top. */
import type { ServerMessage } from '../../shared/contract/stream.ts';
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { FieldView } from '../types.ts';
import { OptimisticState } from './optimistic-state.ts';
import { applyDelta, createServerState, type ServerState, setActiveNodes, toServerState } from './server-state.ts';

export class Replica {
  readonly #outbox: Outbox;
  readonly #clock: HybridClock;
  readonly #optimistic = new OptimisticState();
  #server: ServerState;
  #view: FieldView | undefined;

  constructor(field: string, outbox: Outbox, clock: HybridClock) {
    this.#outbox = outbox;
    this.#clock = clock;
    this.#server = createServerState(field);
  }

  get version(): number {
    return this.#server.view.version;
  }

  get cursor(): Cursor {
    return this.#server.view.cursor;
  }

  get server(): FieldView {
    return this.#server.view;
  }

  /** @returns the same object until something changes */
  getView(device: string | undefined): FieldView {
    this.#view ??= this.#optimistic.buildView(this.#server, device ?? '', this.#outbox.pendingAt(this.version));
    return this.#view;
  }

  /** To be called when the outbox has changed. */
  invalidate(): void {
    this.#view = undefined;
  }

  /** Replaces the server's state. */
  restore(view: FieldView): void {
    this.#setServerState(toServerState(view));
    this.#clock.observe(view.maxTimestamp);
  }

  /** @returns false when deltas before this one are missing, so that the stream has to be opened again */
  apply(message: ServerMessage): boolean {
    if (message.type === 'snapshot') this.restore(message.state);
    if (message.type === 'presence') this.#setServerState(setActiveNodes(this.#server, message.activeNodes));
    if (message.type !== 'delta') return true;
    if (message.from !== this.cursor) return versionOf(message.to) <= this.version;
    this.#clock.observe(message.maxTimestamp);
    this.#setServerState(applyDelta(this.#server, message));
    return true;
  }

  #setServerState(server: ServerState): void {
    this.#server = server;
    this.#view = undefined;
  }
}
