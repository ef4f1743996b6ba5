/**
 * Keeps a revocation list up to date by polling PostgreSQL; a notification only triggers an earlier poll. While PostgreSQL
 * is unavailable, the last known list remains in effect.
 */
import type { Logger } from '../process/logger.ts';
import type { ReadRevocations, RevocationList } from './revocation-list.ts';

const pollIntervalMs = 1000;

interface RevocationPollerDeps {
  readonly list: RevocationList;
  readonly read: ReadRevocations;
  readonly log: Logger;
  /** Called after the list has changed. */
  readonly onChange?: () => void;
}

export class RevocationPoller {
  readonly #deps: RevocationPollerDeps;
  #inFlight: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isFailing = false;
  #isClosed = false;

  constructor(deps: RevocationPollerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setTimeout(() => void this.poll().finally(() => !this.#isClosed && this.start()), pollIntervalMs);
  }

  /** Reads new changes. A call during a read starts another one after it, which sees all changes before the call. */
  async poll(): Promise<void> {
    await this.#inFlight;
    this.#inFlight ??= this.#read().finally(() => {
      this.#inFlight = undefined;
    });
    return this.#inFlight;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #read(): Promise<void> {
    const { list, read, log, onChange } = this.#deps;
    try {
      const changes = await read(list.change);
      this.#isFailing = false;
      if (changes.length === 0 || this.#isClosed) return;
      list.apply(changes);
      log.info({ changes: changes.length }, 'revocations updated');
      onChange?.();
    } catch (err) {
      if (!this.#isFailing && !this.#isClosed) log.warn({ err }, 'revocation poll failed; using last known list');
      this.#isFailing = true;
    }
  }
}
