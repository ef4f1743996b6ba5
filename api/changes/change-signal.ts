/** Wakes up those who follow the change feed when a worker has extended it. Messages may be lost, so they also look now and then. */
import type { CacheKeys } from '../../shared/cache/cache-keys.ts';

/** What the signal needs of the connection that subscribes to channels. */
interface ChannelSubscriber {
  subscribe(channel: string, handler: () => void): Promise<void>;
  onReconnect(callback: () => void): void;
}

export class ChangeSignal {
  #count = 0;
  readonly #waiting = new Set<() => void>();

  constructor(subscriber: ChannelSubscriber, keys: Pick<CacheKeys, 'changeFeedChannel'>) {
    const notify = () => this.#notify();
    void subscriber.subscribe(keys.changeFeedChannel, notify);
    subscriber.onReconnect(notify);
  }

  /** To be read before the feed is, so that `wait` notices what comes meanwhile. */
  get count(): number {
    return this.#count;
  }

  /**
   * Resolves with true once there has been a message since `count` was read, with false after the time or when the signal is
   * aborted.
   */
  wait(count: number, { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }): Promise<boolean> {
    if (this.#count !== count) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (isNotified: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', giveUp);
        resolve(isNotified);
      };
      const wake = () => end(true);
      const giveUp = () => end(false);
      const timer = setTimeout(giveUp, timeoutMs);
      this.#waiting.add(wake);
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
    });
  }

  #notify(): void {
    this.#count += 1;
    for (const wake of [...this.#waiting]) wake();
  }
}
