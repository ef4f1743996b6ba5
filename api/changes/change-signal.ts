/** Notifies followers of the change feed when a worker has extended it. Messages may be lost, so followers also poll. */
import type { CacheKeys } from '../../shared/cache/cache-keys.ts';

/** The part of the subscriber connection that the signal uses. */
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

  /** Read this before the feed, so that `wait` detects messages that arrive in between. */
  get count(): number {
    return this.#count;
  }

  /**
   * Resolves with true once a message has arrived since `count` was read, with false after the timeout or when the signal is
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
