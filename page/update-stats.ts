/** Counts what comes by: updates a second, and how long own edits take to be seen in the server's state. */
import type { OutboxEntry } from '../client/types.ts';
import { median, Rate } from './rate.ts';

const rememberedLags = 15;

export class Traffic {
  readonly #rate = new Rate();
  readonly #made = new Map<string, number>();
  #lags: number[] = [];

  count(updates: number, now: number): void {
    this.#rate.add(updates, now);
  }

  /** Told each change of an own update. One that waited for a connection says nothing of the lag. */
  follow({ key, status }: OutboxEntry, isLive: boolean, now: number): void {
    if (status === 'queued' && isLive && !this.#made.has(key)) this.#made.set(key, now);
    if (status === 'queued' || status === 'accepted') return;
    const made = this.#made.get(key);
    this.#made.delete(key);
    if (made !== undefined && status !== 'refused') this.#lags = [...this.#lags, now - made].slice(-rememberedLags);
  }

  perSecond(now: number): number {
    return this.#rate.perSecond(now);
  }

  /** The median of the newest, in ms. */
  get lag(): number | undefined {
    return median(this.#lags);
  }

  /** After an outage: what was made before it waited for the network, not for the server. */
  forget(): void {
    this.#made.clear();
  }
}
