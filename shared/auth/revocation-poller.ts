/**
 * Keeps a list of revocations up to date. PostgreSQL has the truth and is asked every second; a hint only makes it sooner.
 * While PostgreSQL is away what was read last stands, and nothing can be revoked.
 */
import type { Logger } from '../process/logger.ts';
import type { ReadRevocations, RevocationList } from './revocation-list.ts';

const readEveryMs = 1000;

interface WatchOptions {
  readonly list: RevocationList;
  readonly read: ReadRevocations;
  readonly log: Logger;
  /** After something has changed. */
  readonly onChange?: () => void;
}

export class RevocationWatch {
  readonly #options: WatchOptions;
  #reading: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isBlind = false;
  #isClosed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setTimeout(() => void this.look().finally(() => !this.#isClosed && this.start()), readEveryMs);
  }

  /** Reads what is new. What is revoked while a reading is under way is read after it. */
  async look(): Promise<void> {
    await this.#reading;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #read(): Promise<void> {
    const { list, read, log, onChange } = this.#options;
    try {
      const changes = await read(list.change);
      this.#isBlind = false;
      if (changes.length === 0 || this.#isClosed) return;
      list.take(changes);
      log.info({ changes: changes.length }, 'revocations read');
      onChange?.();
    } catch (err) {
      if (!this.#isBlind && !this.#isClosed) log.warn({ err }, 'revocations cannot be read: those known before stand');
      this.#isBlind = true;
    }
  }
}
