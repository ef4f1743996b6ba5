/**
 * Keeps a list of revocations up to date. PostgreSQL has the truth and is asked every second; a hint only makes it sooner.
 * While PostgreSQL is away what was read last stands, and nothing can be revoked.
 */
import type { Logger } from '../process/logger.ts';
import type { ReadRevocations, RevocationList } from './revocation-list.ts';

const pollIntervalMs = 1000;

interface RevocationPollerDeps {
  readonly list: RevocationList;
  readonly read: ReadRevocations;
  readonly log: Logger;
  /** After something has changed. */
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

  /** Reads what is new. What is revoked while a reading is under way is read after it. */
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
      log.info({ changes: changes.length }, 'revocations read');
      onChange?.();
    } catch (err) {
      if (!this.#isFailing && !this.#isClosed)
        log.warn({ err }, 'revocations cannot be read: those known before stand');
      this.#isFailing = true;
    }
  }
}
