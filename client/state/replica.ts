/** The field as it is held here: what the server told, the own updates on top, and the messages that move it on. */
import type { ServerMessage } from '../../shared/contract/stream.ts';
import type { HybridClock } from '../hybrid-clock.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { FieldView } from '../types.ts';
import { OptimisticState } from './optimistic-state.ts';
import { applyDelta, emptyServerState, fromView, type ServerState, setActiveNodes } from './server-state.ts';

export class Replica {
  readonly #outbox: Outbox;
  readonly #clock: HybridClock;
  readonly #optimistic = new OptimisticState();
  #server: ServerState;
  #shown: FieldView | undefined;

  constructor(field: string, outbox: Outbox, clock: HybridClock) {
    this.#outbox = outbox;
    this.#clock = clock;
    this.#server = emptyServerState(field);
  }

  get version(): number {
    return this.#server.view.version;
  }

  get server(): FieldView {
    return this.#server.view;
  }

  /** The same object until something changes. */
  show(device: string | undefined): FieldView {
    this.#shown ??= this.#optimistic.show(this.#server, device ?? '', this.#outbox.hiddenAt(this.version));
    return this.#shown;
  }

  /** The outbox has changed. */
  refresh(): void {
    this.#shown = undefined;
  }

  restore(view: FieldView): void {
    this.#set(fromView(view));
    for (const { timestamp } of view.memoryParticles) this.#clock.see(timestamp);
  }

  /** False when the message does not follow what is held: something is missing in between. */
  take(message: ServerMessage): boolean {
    if (message.type === 'snapshot') this.restore(message.state);
    if (message.type === 'presence') this.#set(setActiveNodes(this.#server, message.activeNodes));
    if (message.type !== 'delta') return true;
    if (message.from !== this.version) return message.to <= this.version;
    for (const particle of Object.values(message.changes.particles)) if (particle) this.#clock.see(particle.timestamp);
    this.#set(applyDelta(this.#server, message));
    return true;
  }

  #set(server: ServerState): void {
    this.#server = server;
    this.#shown = undefined;
  }
}
