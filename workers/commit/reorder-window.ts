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
const maxDeferrals = 20;

/** How soon what was held back is looked at again. */
export const deferMs = 15;

interface DeferralCount {
  /** When the window began, and when the device was last held back in it. */
  readonly startedAt: number;
  readonly lastDeferredAt: number;
  readonly count: number;
}

export class ReorderWindow {
  readonly #deferrals = new Map<DeviceId, DeferralCount>();

  /**
   * Whether an update is to wait for the one before it.
   * @param lastCounter the device's highest counter that is applied
   * @param now in ms, the same for all that is looked at together
   */
  shouldDefer(device: DeviceId, lastCounter: number, counter: number, now: number): boolean {
    const current = this.#deferrals.get(device);
    const isExpired = current !== undefined && now - current.startedAt >= windowMs;
    if (isExpired) this.#deferrals.delete(device);
    if (counter <= lastCounter + 1) return false;
    const window = current && !isExpired ? current : { startedAt: now, lastDeferredAt: 0, count: 0 };
    if (window.lastDeferredAt === now) return true;
    if (window.count >= maxDeferrals) return false;
    this.#deferrals.set(device, { startedAt: window.startedAt, lastDeferredAt: now, count: window.count + 1 });
    return true;
  }
}
