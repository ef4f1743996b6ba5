/**
 * Holding back updates that have overtaken the one that their device has numbered before them: jobs do so now and then, in
 * the queue and between workers. The merge rules take any order, but an update that comes late is told that it was
 * superseded, and events are felt in the order of the log.
 *
 * A device is held back for a third of a second in any three: one that really leaves numbers out, or that floods several
 * workers at once, is slowed no more than that.
 */
import type { DeviceId } from '../../shared/field/ids.ts';

const windowMs = 3000;
const maxHolds = 20;

/** How soon what was held back is looked at again. */
export const holdMs = 15;

interface Held {
  /** When the window began, and when the device was last held back in it. */
  readonly since: number;
  readonly at: number;
  readonly count: number;
}

export class Holds {
  readonly #held = new Map<DeviceId, Held>();

  /**
   * Whether an update is to wait for the one before it.
   * @param last the device's highest counter that is applied
   * @param now in ms, the same for all that is looked at together
   */
  isEarly(device: DeviceId, last: number, counter: number, now: number): boolean {
    const held = this.#held.get(device);
    const isOver = held !== undefined && now - held.since >= windowMs;
    if (isOver) this.#held.delete(device);
    if (counter <= last + 1) return false;
    const window = held && !isOver ? held : { since: now, at: 0, count: 0 };
    if (window.at === now) return true;
    if (window.count >= maxHolds) return false;
    this.#held.set(device, { since: window.since, at: now, count: window.count + 1 });
    return true;
  }
}
