/** Measures the update rate, and the latency from an own edit to its presence in the server's state. */
import type { OutboxEntry } from '../client/types.ts';
import { median, Rate } from './rate.ts';

const maxLags = 15;

export class UpdateStats {
  readonly #rate = new Rate();
  readonly #createdAt = new Map<string, number>();
  #lagsMs: number[] = [];

  recordUpdates(updates: number, now: number): void {
    this.#rate.add(updates, now);
  }

  /** Records a status change of an own update. Edits made while offline do not count towards the latency. */
  recordEntry({ key, status }: OutboxEntry, isLive: boolean, now: number): void {
    if (status === 'queued' && isLive && !this.#createdAt.has(key)) this.#createdAt.set(key, now);
    if (status === 'queued' || status === 'accepted') return;
    const createdAt = this.#createdAt.get(key);
    this.#createdAt.delete(key);
    if (createdAt !== undefined && status !== 'refused')
      this.#lagsMs = [...this.#lagsMs, now - createdAt].slice(-maxLags);
  }

  perSecond(now: number): number {
    return this.#rate.perSecond(now);
  }

  /** Median of the latest 15 latencies, in ms. */
  get medianLagMs(): number | undefined {
    return median(this.#lagsMs);
  }

  /** Discards open measurements when the connection is lost: they would measure the outage. */
  reset(): void {
    this.#createdAt.clear();
  }
}
