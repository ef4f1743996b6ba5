/** Counts what comes by: updates a second, and how long own edits take to be seen in the server's state. */
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

  /** Told each change of an own update. One that waited for a connection says nothing of the lag. */
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

  /** The median of the newest, in ms. */
  get medianLagMs(): number | undefined {
    return median(this.#lagsMs);
  }

  /** After an outage: what was made before it waited for the network, not for the server. */
  reset(): void {
    this.#createdAt.clear();
  }
}
