/**
 * Defers updates that arrive before the previous update of their device: jobs overtake each other now and then, in the
 * queue and between workers. The merge rules accept any order, but an update that is applied late may be superseded, and
 * events take effect in the order of the log.
 *
 * A device is deferred for at most `maxDeferrals` × `deferMs` = 300 ms in any 3 s, so that one that skips counters, or
 * whose jobs are spread over several workers, is slowed down by no more than a tenth. If attempts take longer, because
 * commits do, it is deferred for at most 3 s.
 */
import type { DeviceId } from '../../shared/field/ids.ts';

const windowMs = 3000;
const maxDeferrals = 20;

/** How long a job is deferred before it is tried again. */
export const deferMs = 15;

interface DeferralCount {
  /** When the window began, and when the device was last deferred in it (ms). */
  readonly startedAt: number;
  readonly lastDeferredAt: number;
  readonly count: number;
  /** Whether the device is no longer deferred in this window. */
  readonly isOver: boolean;
}

export class ReorderWindow {
  readonly #deferrals = new Map<DeviceId, DeferralCount>();

  /**
   * Whether to wait for the previous update of the device. All updates with the same `now` get the same answer.
   * @param lastCounter the device's highest counter that has been applied
   * @param now in ms, the same for all jobs of a batch
   */
  shouldDefer(device: DeviceId, lastCounter: number, counter: number, now: number): boolean {
    const current = this.#deferrals.get(device);
    const isExpired = current !== undefined && now - current.startedAt >= windowMs;
    if (counter <= lastCounter + 1) {
      if (isExpired) this.#deferrals.delete(device);
      return false;
    }
    // PostgreSQL's clock may have been set back.
    if (!current || now < current.startedAt || (isExpired && current.isOver)) {
      this.#deferrals.set(device, { startedAt: now, lastDeferredAt: now, count: 1, isOver: false });
      return true;
    }
    if (current.isOver) return false;
    if (current.lastDeferredAt === now) return true;
    if (isExpired || current.count >= maxDeferrals) {
      // The device has used up its deferrals. The next window must not start at once, or the device would be deferred for ever.
      this.#deferrals.set(device, { ...current, startedAt: isExpired ? now : current.startedAt, isOver: true });
      return false;
    }
    this.#deferrals.set(device, { ...current, lastDeferredAt: now, count: current.count + 1 });
    return true;
  }
}
