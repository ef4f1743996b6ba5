/** Shows others the name and the colour of the user, and where the pointer is over the field. */
import type { FieldPresence } from '../../client/presence/presence-of.ts';
import type { Point } from '../viewport/geometry.ts';
import type { Identity } from './name.ts';

/** Each message costs a point of the user's budget, so no move is sent while nobody else is present. */
const sendIntervalMs = 150;
/** A pointer that has rested for this long is hidden from others. */
const restMs = 20_000;

export class OwnCursor {
  readonly #presence: FieldPresence;
  #identity: Identity | undefined;
  #position: Point | undefined;
  #sendTimer: ReturnType<typeof setTimeout> | undefined;
  #restTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(presence: FieldPresence) {
    this.#presence = presence;
    // A closed tab must leave no cursor on the screens of others, even if other tabs keep the connection open.
    addEventListener('pagehide', () => this.#leave());
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.#leave();
    });
  }

  set identity(identity: Identity) {
    this.#identity = identity;
    this.#send();
  }

  /** @param position in field coordinates; undefined when the pointer has left the field */
  move(position: Point | undefined): void {
    this.#position = position && { x: roundCoordinate(position.x), y: roundCoordinate(position.y) };
    clearTimeout(this.#restTimer);
    if (position) this.#restTimer = setTimeout(() => this.#leave(), restMs);
    if (position && this.#presence.view.activeNodes < 2) return;
    this.#sendTimer ??= setTimeout(() => this.#send(), sendIntervalMs);
  }

  #leave(): void {
    if (!this.#position) return;
    this.#position = undefined;
    this.#send();
  }

  #send(): void {
    clearTimeout(this.#sendTimer);
    this.#sendTimer = undefined;
    if (!this.#identity) return;
    const { name, color } = this.#identity;
    this.#presence.set({ ...(name && { name }), color, ...(this.#position && { position: this.#position }) });
  }
}

function roundCoordinate(value: number): number {
  return Math.round(value * 100) / 100;
}
