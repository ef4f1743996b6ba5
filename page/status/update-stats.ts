/** Measures the rate of new updates, and the latency from an own edit to its presence in the server's state. */
import type { OutboxEntry, ServerMessage } from '../../client/types.ts';
import { versionOf } from '../../shared/field/cursor.ts';
import { median, Rate } from './rate.ts';

const maxLags = 15;

export class UpdateStats {
  readonly #rate = new Rate();
  readonly #createdAt = new Map<string, number>();
  #lagsMs: number[] = [];
  /** The server's time shortly after the connection was opened; earlier updates are a gap fill, and not new. */
  #connectedAt: number | undefined;
  /** The version of the last state that was polled, while there is no stream of deltas. */
  #readVersion: number | undefined;

  recordMessage(message: ServerMessage, now: number): void {
    if (message.type === 'pong') this.#connectedAt ??= message.serverTime;
    if (message.type === 'snapshot') {
      const { version } = message.state;
      if (this.#readVersion !== undefined && message.reason === 'start')
        this.#rate.add(version - this.#readVersion, now);
      this.#readVersion = version;
    }
    if (message.type !== 'delta' || this.#connectedAt === undefined) return;
    const { lastUpdate = Number.POSITIVE_INFINITY } = message.changes.metrics ?? {};
    // By versions, since a watcher of a region gets no results of others, and resent updates are not new.
    if (lastUpdate >= this.#connectedAt) this.#rate.add(versionOf(message.to) - versionOf(message.from), now);
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

  /** Discards open measurements when the connection has changed: they would measure an outage. */
  reset(): void {
    this.#createdAt.clear();
    this.#connectedAt = undefined;
    this.#readVersion = undefined;
  }
}
