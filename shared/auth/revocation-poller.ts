/**
 * Keeps a revocation list up to date by polling a source; a notification only triggers an earlier poll. While the source is
 * unavailable, the last known list remains in effect.
 */
import type { Logger } from '../process/logger.ts';
import type { ReadRevocations, RevocationList } from './revocation-list.ts';

const pollIntervalMs = 1000;

interface RevocationPollerDeps {
  /** For the log. */
  readonly source: 'postgres' | 'cache';
  /** Updates the list. @returns whether it has changed */
  readonly refresh: () => Promise<boolean>;
  readonly log: Logger;
  /** Called after the list has changed. */
  readonly onChange?: () => void;
  /** Called after every successful poll. */
  readonly onChecked?: () => void;
}

/** Creates a function that updates a list from PostgreSQL. */
export function createDatabaseRefresh(list: RevocationList, read: ReadRevocations): () => Promise<boolean> {
  return async () => {
    const startedAt = performance.now();
    return list.apply(await read(list.change), startedAt);
  };
}

interface PollResult {
  /** Undefined after a success. */
  readonly error?: unknown;
}

export class RevocationPoller {
  readonly #deps: RevocationPollerDeps;
  #inFlight: Promise<PollResult> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isFailing = false;
  #isClosed = false;

  constructor(deps: RevocationPollerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setTimeout(() => void this.poll().finally(() => !this.#isClosed && this.start()), pollIntervalMs);
  }

  /** Reads new changes. Never rejects. */
  async poll(): Promise<void> {
    await this.#refreshAfterNow();
  }

  /** Reads new changes. The list then has all that were made before the call. @throws if the source does not answer */
  async check(): Promise<void> {
    const { error } = await this.#refreshAfterNow();
    if (error) throw error;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Single-flight: calls during a read share the next one, so that no result is older than its call. */
  async #refreshAfterNow(): Promise<PollResult> {
    await this.#inFlight;
    this.#inFlight ??= this.#refresh().finally(() => {
      this.#inFlight = undefined;
    });
    return this.#inFlight;
  }

  async #refresh(): Promise<PollResult> {
    const { source, refresh, log, onChange, onChecked } = this.#deps;
    try {
      const hasChanged = await refresh();
      this.#isFailing = false;
      if (this.#isClosed) return {};
      if (hasChanged) {
        log.info({ source }, 'revocations updated');
        onChange?.();
      }
      onChecked?.();
      return {};
    } catch (error) {
      if (!this.#isFailing && !this.#isClosed) {
        log.warn({ err: error, source }, 'revocation poll failed; using last known list');
      }
      this.#isFailing = true;
      return { error };
    }
  }
}
