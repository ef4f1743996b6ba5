/**
 * The stored form of the outbox: one value for each entry, by the entry's position in the order of creation, and a head with
 * the highest counters. Writes are performed one after the other, in the order of the calls.
 */
import { parseJson } from '../parse-json.ts';
import type { Storage } from '../storage/storage.ts';
import { KeptUpdates } from './kept-updates.ts';
import type { StoredEntry } from './outbox-item.ts';

/** The stored head. The property names are the stored format, which earlier versions have written. */
interface Head {
  /** The highest counter assigned so far. */
  readonly counter: number;
  /** The highest position assigned so far. */
  readonly place: number;
  /** No entry has a lower position. */
  readonly first: number;
  /** No update with a higher counter was ever sent. Version 0.1.0 did not store it. */
  readonly sent?: number;
  /** The device that updates are sent as; undefined before the first was sent. Version 0.1.0 did not store it. */
  readonly device?: string;
}

interface LoadedOutbox {
  /** The highest counter assigned so far. */
  readonly counter: number;
  /** No update with a higher counter was ever sent. */
  readonly sent: number;
  /** In the order of their counters. */
  readonly entries: readonly StoredEntry[];
}

const headKey = 'outbox';
const entryKey = (position: number) => `outbox/${position}`;
const readBatchSize = 50;

export class OutboxStore {
  /** Changed by the outbox; written together with the entries that it has removed. */
  readonly kept: KeptUpdates;
  readonly #storage: Storage;
  /** The positions of the stored entries, ascending. */
  readonly #storedPositions = new Set<number>();
  #position = 0;
  #counter = 0;
  #sentCounter = 0;
  #device: string | undefined;
  /** Whether the stored head has `sent`. */
  #isSentStored = false;
  #removedPositions: number[] = [];
  #writes: Promise<void> = Promise.resolve();

  constructor(storage: Storage) {
    this.#storage = storage;
    this.kept = new KeptUpdates(storage);
  }

  /**
   * Reads the counters and all entries. Reading goes on beyond the head's position, because the head is written less often
   * than entries.
   */
  async load(): Promise<LoadedOutbox> {
    const head = parse<Head>(await this.#storage.get(headKey)) ?? { counter: 0, place: 0, first: 1 };
    const entries: StoredEntry[] = [];
    for (let start = head.first; ; start += readBatchSize) {
      const positions = Array.from({ length: readBatchSize }, (_, offset) => start + offset);
      const texts = await Promise.all(positions.map((position) => this.#storage.get(entryKey(position))));
      const found = texts.flatMap((text) => parse<StoredEntry>(text) ?? []);
      entries.push(...found);
      if (found.length === 0 && start + readBatchSize > head.place) break;
    }
    await this.kept.load();
    for (const { place } of entries) this.#storedPositions.add(place);
    this.#position = Math.max(head.place, entries.at(-1)?.place ?? 0);
    this.#counter = Math.max(head.counter, ...entries.map(({ update }) => update.counter));
    this.#isSentStored = head.sent !== undefined;
    this.#sentCounter = head.sent ?? this.#counter;
    this.#device = head.device;
    entries.sort((a, b) => a.update.counter - b.update.counter);
    return { counter: this.#counter, sent: this.#sentCounter, entries };
  }

  /** The device that the counters belong to; undefined if that is not known. */
  get device(): string | undefined {
    return this.#device;
  }

  /** Records the device that updates are sent as. Before they are, `flush` has to resolve. */
  setDevice(device: string): void {
    this.#device = device;
    this.#enqueue(() => this.#writeHead());
  }

  nextPosition(): number {
    this.#position += 1;
    return this.#position;
  }

  save(...entries: readonly StoredEntry[]): void {
    for (const { place, update } of entries) {
      this.#storedPositions.add(place);
      this.#counter = Math.max(this.#counter, update.counter);
    }
    // Without `sent` in the head, the next process would have to assume that these entries were sent.
    if (!this.#isSentStored) this.#enqueue(() => this.#writeHead());
    this.#isSentStored = true;
    this.#enqueue(async () => {
      await Promise.all(entries.map((entry) => this.#storage.set(entryKey(entry.place), JSON.stringify(entry))));
    });
  }

  /** Records that updates up to this counter may have been sent. Before they are, `flush` has to resolve. */
  markSent(counter: number): void {
    if (counter <= this.#sentCounter) return;
    this.#sentCounter = counter;
    this.#enqueue(() => this.#writeHead());
  }

  /** Removals that are requested before the first of them is performed share one write of the head. */
  remove(position: number): void {
    this.#storedPositions.delete(position);
    this.#removedPositions.push(position);
    if (this.#removedPositions.length === 1) this.#enqueue(() => this.#removeEntries());
  }

  /** To be called when kept updates have changed without the removal of an entry. */
  saveKept(): void {
    this.#enqueue(() => this.kept.write());
  }

  /** Resolves when every write requested so far is done. */
  flush(): Promise<void> {
    return this.#writes;
  }

  /** Writes the head first: otherwise a crash in between could lose the highest counter together with its entry. */
  async #removeEntries(): Promise<void> {
    const removed = this.#removedPositions;
    this.#removedPositions = [];
    await this.kept.write();
    await this.#writeHead();
    await Promise.all(removed.map((position) => this.#storage.remove(entryKey(position))));
  }

  async #writeHead(): Promise<void> {
    const [first = this.#position + 1] = this.#storedPositions;
    const head: Head = {
      counter: this.#counter,
      place: this.#position,
      first,
      sent: this.#sentCounter,
      ...(this.#device === undefined ? {} : { device: this.#device }),
    };
    await this.#storage.set(headKey, JSON.stringify(head));
  }

  #enqueue(write: () => Promise<void>): void {
    this.#writes = this.#writes.then(write);
  }
}

/** A value that is not JSON was torn by a crash or written by other software; it counts as missing. */
function parse<T>(text: string | null): T | undefined {
  return parseJson<T>(text) as T | undefined;
}
