/** The local copy of the field: the server's state, advanced by its messages, with pending own updates on top. */
import type { ServerMessage } from '../../shared/contract/messages.ts';
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import type { Region } from '../../shared/field/math/region.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { FieldView } from '../types.ts';
import { PendingEdits } from './pending-edits.ts';
import type { Prediction } from './prediction.ts';
import { applyDelta, createServerState, type ServerState, toServerState } from './server-state.ts';

/** How many past cursors of the state are kept. */
const maxPassed = 100;

export class Replica {
  /** The part of the field that is watched. The server's state may still be of another one: `server.region`. */
  region: Region | undefined;
  /** The region that the stream was last requested for. */
  requestedRegion: Region | undefined;
  readonly #outbox: Pick<Outbox, 'uncontained'>;
  readonly #clock: HybridClock;
  readonly #prediction: Prediction;
  #server: ServerState;
  /** Cursors of this history that the state has had, the newest last. */
  #passed: readonly Cursor[] = [];
  #view: FieldView | undefined;

  constructor(
    field: string,
    outbox: Pick<Outbox, 'uncontained'>,
    clock: HybridClock,
    prediction: Prediction = new PendingEdits(),
  ) {
    this.#outbox = outbox;
    this.#clock = clock;
    this.#prediction = prediction;
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
    this.#view ??= this.#prediction.buildView(this.#server, device ?? '', this.#outbox.uncontained);
    return this.#view;
  }

  /** Whether the state continues the one with this cursor; false if that is too long ago to tell. */
  hasPassed(cursor: Cursor): boolean {
    return this.#passed.includes(cursor);
  }

  /** To be called when the outbox has changed. */
  invalidate(): void {
    this.#view = undefined;
  }

  /** Replaces the server's state. */
  restore(view: FieldView): void {
    this.#setServerState(toServerState(view));
    this.#passed = [view.cursor];
    this.#clock.observe(view.maxTimestamp);
  }

  /**
   * - `applied`: the state has changed
   * - `ignored`: it has not; a delta that leads to this version or a lower one is late, or of another history
   * - `gap`: deltas before this one are missing, so that the stream has to be opened again
   */
  apply(message: ServerMessage): 'applied' | 'ignored' | 'gap' {
    switch (message.type) {
      case 'snapshot':
        this.restore(this.region ? { ...message.state, region: this.region } : message.state);
        return 'applied';
      case 'delta':
        if (message.from !== this.cursor) return versionOf(message.to) <= this.version ? 'ignored' : 'gap';
        this.#clock.observe(message.maxTimestamp);
        this.#setServerState(applyDelta(this.#server, message));
        this.#passed = [...this.#passed, message.to].slice(-maxPassed);
        return 'applied';
      default:
        return 'ignored';
    }
  }

  #setServerState(server: ServerState): void {
    this.#server = server;
    this.#view = undefined;
  }
}
